"""The handler of a Lambda that runs the tasks of an app."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from taskqueue.lambdas.clients import client
from taskqueue.lambdas.settings import metrics_namespace
from taskqueue.lambdas.wiring import dead_letter_queue, sender, settings, task_store
from taskqueue.worker.execution import Execution
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from taskqueue.worker.delivery import Tasks

Handler = Callable[[dict[str, Any], "LambdaContext"], Any]


def consumer(app: "Tasks", execution: Callable[..., Execution] = Execution) -> Handler:
    """Return the handler of the Lambda that runs the tasks of `app`.

    `execution` makes what runs them (`Worker`).
    """
    logger = Logger(service=app.name)
    worker = Worker(
        app=app,
        store=task_store(),
        sender=sender(),
        visibility=Visibility(client("sqs"), settings().queues[app.queue]),
        dead_letters=dead_letter_queue(),
        logger=logger,
        metrics=Metrics(namespace=metrics_namespace(), service=app.queue),
        max_depth=settings().max_task_depth,
        execution=execution,
    )
    return logger.inject_lambda_context(worker.handle)
