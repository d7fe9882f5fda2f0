"""The consumer of the rankings queue."""

from books.tasks import app
from taskqueue.aws import consumer

handler = consumer(app)
