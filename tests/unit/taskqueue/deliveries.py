"""Makes deliveries and records of an SQS event, for tests."""

from collections.abc import Callable
from typing import Any

from taskqueue.app import App
from taskqueue.message import Message, encode
from taskqueue.worker.delivery import Delivery, read

NOW_MS = 1_795_370_400_000


def sqs_record(
    body: str, *, message_id: str = "m-1", sent_at_ms: int = NOW_MS, receives: int = 1
) -> dict[str, Any]:
    """Return one record of a Lambda event."""
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt of {message_id}",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": str(sent_at_ms),
        },
        "eventSource": "aws:sqs",
    }


def noop(*_args: Any, **_kwargs: Any) -> None:
    """Do nothing."""


def delivery(
    function: Callable[..., Any] = noop, *, message: dict[str, Any] | None = None, **options: Any
) -> Delivery:
    """Return the delivery of a task with these options and these fields of its message."""
    app = App("test", queue="work")
    register: Callable[[Any], Any] = app.task(name="t", **options)
    register(function)
    return read(sqs_record(encode(Message("t", "id-1", **(message or {})))), app, "work")
