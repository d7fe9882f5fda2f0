"""The consumer of the dead-letter queue: keeps the letters; their tasks are FAILURE."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from taskqueue import clock
from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import read_letter
from taskqueue.lambdas import wiring
from taskqueue.lambdas.settings import metrics_namespace
from taskqueue.worker.log_fields import error_fields

logger = Logger(service="dead_letters")
metrics = Metrics(namespace=metrics_namespace(), service="dead_letters")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Keep each dead letter; one that cannot be kept comes back."""
    return process_partial_response(event, _keep, processor, context)


def _keep(record: SQSRecord) -> None:
    now_ms = clock.now_ms()
    read = read_letter(record.raw_event, wiring.settings().queues, now_ms)
    letter = read.letter
    fields = {"task_id": letter.task_id, "queue": letter.queue, "dead_letter_id": letter.id}
    try:
        bury(read, wiring.dead_letter_store(), wiring.task_store(), now_ms, wiring.sender())
    except Exception as error:
        logger.error("dead letter not kept", extra={**fields, **error_fields(error)})
        raise
    metrics.add_metric("DeadLetters", MetricUnit.Count, 1)
    logger.warning("dead letter kept", extra=fields)
