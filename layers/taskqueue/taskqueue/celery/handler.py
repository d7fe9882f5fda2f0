"""The handler of a Lambda that runs the tasks of a Celery app."""

import os
import socket
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics

from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.lambdas import wiring
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.settings import metrics_namespace
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker

if TYPE_CHECKING:
    from celery import Celery

    from taskqueue.lambdas.consumer import Handler


def worker(app: "Celery", queue: str | None = None) -> "Handler":
    """Return the handler of the Lambda that runs the tasks of `app` that come from a queue.

    `queue`: the logical name of the queue; the app's `task_default_queue`, if it is not given.

    Raises:
        ValueError: the app is configured for what cannot be run here; the text names the setting.
        KeyError: the stack has no such queue.
    """
    tasks = CeleryTasks(app, queue or app.conf.task_default_queue)
    prepared = prepare(app, wiring.result_metas(), hostname())
    logger = Logger(service=tasks.name)
    made = Worker(
        app=tasks,
        store=wiring.task_store(),
        sender=wiring.sender(),
        visibility=Visibility(client("sqs"), wiring.settings().queues[tasks.queue]),
        dead_letters=wiring.dead_letter_queue(),
        logger=logger,
        metrics=Metrics(namespace=metrics_namespace(), service=tasks.name),
        max_depth=wiring.settings().max_task_depth,
        execution=partial(CeleryExecution, prepared=prepared),
    )
    return logger.inject_lambda_context(made.handle)


def hostname() -> str:
    """Return the worker's name in Celery's form."""
    return f"celery@{os.environ.get('AWS_LAMBDA_FUNCTION_NAME') or socket.gethostname()}"
