"""The consumer of the queue `orders`: the one file more that the shop needs on AWS."""

from shop.make_celery import app
from taskqueue.celery import worker

handler = worker(app)
