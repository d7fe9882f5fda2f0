"""The worker's side of a queue: hides messages until later and sends dead letters on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.queue import Queue
from taskqueue.records.meta import ErrorInfo

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_NOT_ALLOWED = r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]"
MAX_ATTRIBUTE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """A message for the dead letters, with the reason that a person will read.

    `error`: the task's own exception, for its record.
    """

    message_id: str
    body: str
    reason: str
    task_id: str | None = None
    task: str | None = None
    error: ErrorInfo | None = None


class Inbox:
    """One queue, seen by its consumer."""

    def __init__(self, sqs: "SQSClient", queue: Queue) -> None:
        self._sqs = sqs
        self.queue = queue

    def hide(self, seconds_by_receipt: Mapping[str, int]) -> int:
        """Bring each message back after its seconds; return how many could not be hidden.

        Those come back at the queue's own visibility timeout.

        Raises:
            SendError: SQS refused or did not answer.
        """
        receipts = list(seconds_by_receipt.items())
        failed = 0
        for start in range(0, len(receipts), 10):
            with send_errors():
                response = self._sqs.change_message_visibility_batch(
                    QueueUrl=self.queue.url,
                    Entries=[
                        {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                        for index, (receipt, seconds) in enumerate(receipts[start : start + 10])
                    ],
                )
            failed += len(response.get("Failed", []))
        return failed

    def refuse(self, letter: Refused) -> None:
        """Send a message to the queue's dead letters, with its reason.

        Raises:
            SendError: SQS refused or did not answer.
        """
        attributes = {
            "reason": attribute_text(letter.reason),
            "queue": self.queue.name,
            "message_id": letter.message_id,
            "task_id": attribute_text(letter.task_id or ""),
            "task": attribute_text(letter.task or ""),
            "error": letter.error.text if letter.error else "",
        }
        with send_errors():
            self._sqs.send_message(
                QueueUrl=self.queue.dead_letter_url,
                MessageBody=letter.body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in attributes.items()
                    if value
                },
            )


def attribute_text(value: str) -> str:
    """Return `value` as SQS takes it in a message attribute: no control characters, and short."""
    return re.sub(_NOT_ALLOWED, "?", value)[:MAX_ATTRIBUTE_LENGTH]
