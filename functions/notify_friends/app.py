"""The consumer of the notifications queue."""

from social.tasks import app
from taskqueue.aws import consumer

handler = consumer(app)
