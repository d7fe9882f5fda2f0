"""The handler of a Lambda that runs the tasks of a Celery app."""

import os
import socket
from functools import partial
from typing import TYPE_CHECKING

from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.lambdas import wiring
from taskqueue.lambdas.consumer import Handler, consumer

if TYPE_CHECKING:
    from celery import Celery


def worker(app: "Celery", queue: str | None = None) -> Handler:
    """Return the handler of the Lambda that runs the tasks of `app` that come from a queue.

    `queue`: the logical name of the queue; the app's `task_default_queue`, if it is not given.

    Raises:
        ValueError: the app is configured for what cannot be run here; the text names the setting.
        KeyError: the stack has no such queue.
    """
    tasks = CeleryTasks(app, queue or app.conf.task_default_queue)
    prepared = prepare(app, wiring.result_metas(), hostname())
    return consumer(tasks, partial(CeleryExecution, prepared=prepared))


def hostname() -> str:
    """Return the worker's name in Celery's form."""
    return f"celery@{os.environ.get('AWS_LAMBDA_FUNCTION_NAME') or socket.gethostname()}"
