"""When the messages that a worker has received come back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.queue import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
MAX_ENTRIES = 10


class Visibility:
    """Changes the visibility of one queue's messages."""

    def __init__(self, sqs: "SQSClient", queue: Queue) -> None:
        self._sqs = sqs
        self.queue = queue

    def change(self, seconds_by_receipt: Mapping[str, int]) -> int:
        """Bring each message back after its seconds; return for how many SQS refused that.

        Those come back at the queue's own visibility timeout.

        Raises:
            SendError: a request failed or was not answered.
        """
        receipts = list(seconds_by_receipt.items())
        failed = 0
        for start in range(0, len(receipts), MAX_ENTRIES):
            with send_errors():
                response = self._sqs.change_message_visibility_batch(
                    QueueUrl=self.queue.url,
                    Entries=[
                        {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                        for index, (receipt, seconds) in enumerate(
                            receipts[start : start + MAX_ENTRIES]
                        )
                    ],
                )
            failed += len(response.get("Failed", []))
        return failed
