"""The handler of a Lambda that runs the tasks of a Celery app."""

import logging
import os
import socket
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from taskqueue import clock
from taskqueue.celery import logs
from taskqueue.celery.checks.queues import absent
from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.celery.unused_settings import without_meaning
from taskqueue.lambdas import wiring
from taskqueue.lambdas.consumer import Handler, consumer

if TYPE_CHECKING:
    from celery import Celery


def worker(app: "Celery", queue: str | None = None, *, beat: bool = False) -> Handler:
    """Return the handler of the Lambda that runs the tasks of `app` that come from a queue.

    `queue`: the logical name of the queue; the app's `task_default_queue`, if it is not given.
    `beat`: let this stack's beat run the app's `beat_schedule`, as `celery worker --beat` does.

    Raises:
        ValueError: the app is configured for what cannot be run here; the text names the setting.
        KeyError: the stack has no such queue.
        StoreError: the schedules could not be stored.
    """
    tasks = CeleryTasks(app, queue or app.conf.task_default_queue)
    logger = Logger(service=tasks.name)
    logs.install(logger)
    prepared = prepare(app, wiring.result_metas(), hostname())
    # Others may run those still: an app can be moved here one queue at a time.
    for found in absent(app, wiring.settings().queues):
        logger.warning(str(found))
    if logger.log_level <= logging.DEBUG:
        logger.debug("settings without meaning here", extra={"settings": without_meaning(app)})
    if beat:
        _store_schedules(app, tasks.name, logger)
    return consumer(tasks, partial(CeleryExecution, prepared=prepared))


def _store_schedules(app: "Celery", name: str, logger: Logger) -> None:
    """Store the app's schedules for beat, which carries nothing of the app."""
    from taskqueue.beat.declaring import declare_all
    from taskqueue.celery.schedules import schedules

    read = schedules(app, wiring.settings().queues)
    for taken in declare_all(wiring.schedule_store(), name, read, clock.now_ms()):
        logger.warning("another schedule has the name of the app's", extra={"schedule": taken})


def hostname() -> str:
    """Return the worker's name in Celery's form."""
    return f"celery@{os.environ.get('AWS_LAMBDA_FUNCTION_NAME') or socket.gethostname()}"
