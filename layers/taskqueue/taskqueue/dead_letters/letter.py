"""A dead letter, and its form on the dead-letter queue: written and read here, without I/O.

On that queue it is the message's own body, and what is known beside it in message attributes.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from taskqueue.errors import PoisonMessage
from taskqueue.message import MAX_BYTES, Message, decode
from taskqueue.queue import Queue, queue_name
from taskqueue.records.meta import ErrorInfo

# The queue of a letter of which nobody can say where it comes from.
UNKNOWN_QUEUE = "unknown"
MAX_LETTER_TEXT_LENGTH = 500
DATA_TYPE = "String"
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_NOT_ALLOWED = r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]"


class RejectedMessage(NamedTuple):
    """A message that a worker rejects, with the reason that a person will read.

    `queue`: the logical name of the queue that it was on; `message_id`: its SQS message id there.
    `error`: the task's own exception, for its record. `attempt`: the number of the attempt that
    ended so; None where the task was not run.
    """

    queue: str
    message_id: str
    body: str
    reason: str
    task_id: str | None = None
    task: str | None = None
    error: ErrorInfo | None = None
    attempt: int | None = None

    def attributes(self) -> dict[str, str]:
        """Return the texts of its message attributes, by name.

        They count towards what SQS takes with the body. The most needed come first, and where a
        large body leaves too little room the reason is cut and others are left out.
        """
        room_bytes = MAX_BYTES - len(self.body.encode())
        fitting = {}
        for name, text in self._texts().items():
            left_bytes = room_bytes - len(name) - len(DATA_TYPE)
            fits = _cut(text, left_bytes) if name == "reason" else text
            if fits and len(fits.encode()) <= left_bytes:
                fitting[name] = fits
                room_bytes = left_bytes - len(fits.encode())
        return fitting

    @classmethod
    def read(cls, body: str, attributes: Mapping[str, str]) -> "RejectedMessage":
        """Read what `attributes` returned; what was left out is empty or None.

        Anybody who may send to the queue may have written them: what a record or a letter cannot
        hold is cut or replaced.
        """
        return cls(
            queue=attributes.get("queue", ""),
            message_id=attributes.get("message_id", ""),
            body=body,
            reason=_allowed(attributes.get("reason", "")),
            task_id=attributes.get("task_id"),
            task=attributes.get("task"),
            error=_error(attributes.get("error")),
            attempt=_attempt(attributes.get("attempt")),
        )

    def _texts(self) -> dict[str, str]:
        return {
            "queue": self.queue,
            "reason": _allowed(self.reason),
            "attempt": "" if self.attempt is None else str(self.attempt),
            "error": self.error.text if self.error else "",
            "message_id": self.message_id,
            "task_id": _allowed(self.task_id or ""),
            "task": _allowed(self.task or ""),
        }


class DeadLetter(NamedTuple):
    """A dead letter as it is kept. `queue`: the logical name of the queue that it comes from."""

    id: str
    queue: str
    reason: str
    body: str
    received_at_ms: int
    task_id: str | None = None
    task: str | None = None


class ReadLetter(NamedTuple):
    """What the record of a dead letter says.

    `message`: None when the body cannot be read. `error` and `attempt`: the task's own exception,
    and which attempt raised it, when a worker sent them along.
    """

    letter: DeadLetter
    message: Message | None
    error: ErrorInfo | None
    attempt: int | None = None


def dead_letter_id(queue: str, sent_at_ms: int, message_id: str) -> str:
    """Return the id of a dead letter: the same for every delivery of one SQS message."""
    return f"{queue}.{sent_at_ms:013d}.{message_id}"


def read_letter(record: Mapping[str, Any], queues: Mapping[str, Queue], now_ms: int) -> ReadLetter:
    """Read a record of a Lambda event of the dead-letter queue.

    SQS names the queue from which it moved a message. The attributes that such a message has are
    its sender's and say nothing here; those of any other are a `RejectedMessage`'s. Where neither
    names a queue, the message's own routing key may.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
    """
    body, system = record["body"], record["attributes"]
    source_arn = system.get("DeadLetterQueueSourceArn")
    rejected = RejectedMessage.read(body, {} if source_arn else _attributes(record))
    known = _decoded(body)
    message = known if isinstance(known, Message) else None
    routed = message.queue if message else ""
    source = queue_name(source_arn, queues) if source_arn else rejected.queue or routed
    queue = source if source in queues else UNKNOWN_QUEUE
    letter = DeadLetter(
        id=dead_letter_id(queue, int(system["SentTimestamp"]), record["messageId"]),
        queue=queue,
        reason=rejected.reason or _fault(known) or _history(system, queue),
        body=body,
        received_at_ms=now_ms,
        task_id=known.id if isinstance(known, Message) else known.task_id,
        task=known.task,
    )
    return ReadLetter(letter, message, rejected.error, rejected.attempt)


def _attributes(record: Mapping[str, Any]) -> dict[str, str]:
    attributes = record.get("messageAttributes") or {}
    return {
        name: attribute["stringValue"]
        for name, attribute in attributes.items()
        if attribute.get("stringValue")
    }


def _decoded(body: str) -> Message | PoisonMessage:
    try:
        return decode(body)
    except PoisonMessage as error:
        return error


def _fault(known: Message | PoisonMessage) -> str | None:
    return known.reason[:MAX_LETTER_TEXT_LENGTH] if isinstance(known, PoisonMessage) else None


def _history(system: Mapping[str, str], queue: str) -> str:
    # SQS counts on when it moves a message, so that this delivery is counted too.
    times = int(system["ApproximateReceiveCount"]) - 1
    source_arn = system.get("DeadLetterQueueSourceArn")
    # ministack 1.5.33 moves messages as SQS does, but leaves the ARN out of a function's events.
    if not source_arn and not times:
        return "sent to the dead-letter queue without a reason"
    place = f" from {source_arn}" if source_arn and queue == UNKNOWN_QUEUE else ""
    return f"received {max(times, 1)} times{place} without finishing"


def _allowed(text: str) -> str:
    """Return a text as SQS takes it in a message attribute: short, without control characters."""
    return re.sub(_NOT_ALLOWED, "?", text)[:MAX_LETTER_TEXT_LENGTH]


def _cut(text: str, max_bytes: int) -> str:
    """Return the beginning of a text that has at most so many bytes."""
    return text.encode()[: max(max_bytes, 0)].decode(errors="ignore")


def _attempt(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,15}", text) else None


def _error(text: str | None) -> ErrorInfo | None:
    """Read a task's exception; anybody who may send to the queue may have written it."""
    try:
        return ErrorInfo.parse(text) if text else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
