"""Sends what follows the tasks that functions without Celery have ended."""

import time
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from taskqueue import clock
from taskqueue.celery.canvas import Canvas, prepared_canvas
from taskqueue.celery.handler import hostname
from taskqueue.lambdas import wiring
from taskqueue.worker.log_fields import error_fields

logger = Logger(service="canvas")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
canvas = Canvas(
    wiring.task_store(),
    wiring.sender(),
    logger,
    clock.now_ms,
    time.sleep,
    wiring.settings().max_task_depth,
    prepared=prepared_canvas(wiring.result_metas(), hostname(), wiring.settings().queues),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Send what follows each task; a message for which that fails comes back."""
    return process_partial_response(event, _follow, processor, context)


def _follow(record: SQSRecord) -> None:
    try:
        message = canvas.follow(record.raw_event)
    except Exception as error:
        logger.error("what follows a task is not sent", extra=error_fields(error))
        raise
    logger.info("what follows a task is sent", extra={"task_id": message.id})
