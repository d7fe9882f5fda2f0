"""The dead-letter queue, as those who reject messages see it."""

from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.dead_letters.letter import DATA_TYPE, RejectedMessage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DeadLetterQueue:
    """The dead-letter queue at `url`."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, rejected: RejectedMessage) -> None:
        """Send a message that was rejected, whole, with its attributes.

        Raises:
            SendError: SQS refused or did not answer.
        """
        with send_errors():
            self._sqs.send_message(
                QueueUrl=self._url,
                MessageBody=rejected.body,
                MessageAttributes={
                    name: {"DataType": DATA_TYPE, "StringValue": text}
                    for name, text in rejected.attributes().items()
                },
            )
