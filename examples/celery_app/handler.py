"""The consumer of the app's queue: the one file more that it needs on AWS."""

from examples.celery_app.shop import app
from taskqueue.celery import worker

handler = worker(app, beat=True)
