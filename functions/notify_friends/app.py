"""The consumer of the notifications queue."""

from social.tasks import app
from taskqueue.lambdas.consumer import consumer

handler = consumer(app)
