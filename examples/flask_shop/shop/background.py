"""Celery in a Flask application, as Flask's documentation has it.

https://flask.palletsprojects.com/en/stable/patterns/celery/
"""

from typing import Any

from celery import Celery, Task
from flask import Flask


def init_celery(flask_app: Flask) -> Celery:
    """Make the Celery app of a Flask app; its tasks run in the application's context."""

    class ContextTask(Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            with flask_app.app_context():
                return self.run(*args, **kwargs)

    celery_app = Celery(flask_app.name, task_cls=ContextTask, include=["shop.tasks"])
    celery_app.config_from_object(flask_app.config["CELERY"])
    celery_app.set_default()
    flask_app.extensions["celery"] = celery_app
    return celery_app
