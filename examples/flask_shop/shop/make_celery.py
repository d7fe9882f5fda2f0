"""The app for whatever runs its tasks: `celery -A shop.make_celery worker --beat`, or a Lambda."""

from shop import create_app

app = create_app().extensions["celery"]
