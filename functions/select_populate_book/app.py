"""The consumer of the rankings queue."""

from books.tasks import app
from taskqueue.lambdas.consumer import consumer

handler = consumer(app)
