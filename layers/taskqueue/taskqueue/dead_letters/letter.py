"""Reads a dead letter from its SQS record: no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskqueue.errors import PoisonMessage
from taskqueue.message import Message, decode
from taskqueue.queue import Queue
from taskqueue.records.meta import ErrorInfo

MAX_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter. `message_id` is SQS's, of the message's life on its own queue."""

    id: str
    queue: str
    reason: str
    body: str
    received_at_ms: int
    task_id: str | None = None
    task: str | None = None


def dead_letter_id(queue: str, sent_at_ms: int, message_id: str) -> str:
    """Return the id of a dead letter: the same for every delivery of one message."""
    return f"{queue}.{sent_at_ms:013d}.{message_id}"


def read_letter(
    record: Mapping[str, Any], queues: Mapping[str, Queue], now_ms: int
) -> tuple[DeadLetter, Message | None]:
    """Return the letter, and its message when it can be read.

    A letter that a worker sent says why. One that SQS moved was received too often.
    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
    """
    said = _said(record)
    known = _read(record["body"])
    queue = said.get("queue") or _queue(record["eventSourceARN"], queues)
    attributes = record["attributes"]
    fault = known.reason[:MAX_REASON_LENGTH] if isinstance(known, PoisonMessage) else None
    task_id = known.task_id if isinstance(known, PoisonMessage) else known.id
    letter = DeadLetter(
        id=dead_letter_id(queue, int(attributes["SentTimestamp"]), record["messageId"]),
        queue=queue,
        reason=said.get("reason") or fault or _received(attributes),
        body=record["body"],
        received_at_ms=now_ms,
        task_id=task_id,
        task=known.task,
    )
    return letter, None if isinstance(known, PoisonMessage) else known


def read_error(record: Mapping[str, Any]) -> ErrorInfo | None:
    """Return the task's own exception, when its worker sent it along."""
    text = _said(record).get("error")
    return ErrorInfo.parse(text) if text else None


def _read(body: str) -> Message | PoisonMessage:
    try:
        return decode(body)
    except PoisonMessage as error:
        return error


def _said(record: Mapping[str, Any]) -> dict[str, str]:
    attributes = record.get("messageAttributes") or {}
    return {
        name: attribute["stringValue"]
        for name, attribute in attributes.items()
        if attribute.get("stringValue")
    }


def _received(attributes: Mapping[str, str]) -> str:
    # SQS counts on when it moves a message, so that this delivery is counted too.
    times = max(int(attributes["ApproximateReceiveCount"]) - 1, 1)
    return f"received {times} times without finishing"


def _queue(arn: str, queues: Mapping[str, Queue]) -> str:
    """Return the logical name of the queue whose dead letters the ARN's queue takes."""
    name = arn.rpartition(":")[2]
    matching = (q.name for q in queues.values() if q.dead_letter_url.rpartition("/")[2] == name)
    return next(matching, name)
