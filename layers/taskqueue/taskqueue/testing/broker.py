"""SQS in memory: the calls of its client that the task queue makes, kept to the same rules.

Time is the clock that it is given, so that a test moves it instead of waiting.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
"""

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from taskqueue.message import MAX_BYTES
from taskqueue.queue import Queue
from taskqueue.sending.sender import MAX_BATCH_ENTRIES, MAX_DELAY_SECONDS

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_VISIBILITY_SECONDS = 12 * 60 * 60
RETENTION_SECONDS = 14 * 24 * 60 * 60
MAX_IN_FLIGHT = 120_000
_ARN_PREFIX = "arn:aws:sqs:memory:0:"
_URL_PREFIX = "memory://"


@dataclass
class StoredMessage:
    """A message on a queue in memory. `receipt` is that of its last delivery, if there was one.

    `source_arn`: the queue that it was moved from, on a dead-letter queue.
    """

    id: str
    body: str
    attributes: Mapping[str, Any]
    sent_at_ms: int
    visible_at_ms: int
    group_id: str | None = None
    receive_count: int = 0
    receipt: str | None = None
    source_arn: str | None = None

    def is_in_flight(self, now_ms: int) -> bool:
        """Whether it was received and is hidden; one that is delayed is not."""
        return self.receive_count > 0 and self.visible_at_ms > now_ms


@dataclass(frozen=True)
class Redrive:
    """After how many receives a message of any queue goes to which dead-letter queue."""

    max_receive_count: int
    dead_letter_url: str


@dataclass
class MemoryBroker:
    """Queues in memory, with the methods of the boto3 SQS client that the queue's parts call.

    `max_in_flight`: SQS's own quota, unless a test would meet it with fewer messages.
    """

    now_ms: Callable[[], int]
    visibility_timeout_seconds: int = 60
    max_in_flight: int = MAX_IN_FLIGHT
    redrive: Redrive | None = None
    _queues: dict[str, list[StoredMessage]] = field(default_factory=dict)
    _receipts: Iterator[int] = field(default_factory=itertools.count)

    def create_queue(self, name: str) -> Queue:
        """Make a queue."""
        queue = Queue(name, f"{_URL_PREFIX}{name}", f"{_ARN_PREFIX}{name}")
        self._queues[queue.url] = []
        return queue

    def url_of(self, arn: str) -> str:
        """Return the URL of the queue with that ARN, be there one or not."""
        return f"{_URL_PREFIX}{arn.removeprefix(_ARN_PREFIX)}"

    def messages(self, url: str) -> Sequence[StoredMessage]:
        """Return all messages of a queue, visible or not, oldest first."""
        return tuple(self._queue(url))

    def send_message(self, **request: Any) -> dict[str, Any]:
        """Put one message on a queue."""
        _check_size("InvalidParameterValue", [request])
        return {"MessageId": self._put(request["QueueUrl"], request)}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        """Put up to 10 messages on a queue, of at most 1 MiB together."""
        entries = request["Entries"]
        _check_number(entries)
        _check_size("AWS.SimpleQueueService.BatchRequestTooLong", entries)
        sent = [
            {"Id": entry["Id"], "MessageId": self._put(request["QueueUrl"], entry)}
            for entry in entries
        ]
        return {"Successful": sent}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Take up to `MaxNumberOfMessages` that are visible, and hide them."""
        now_ms = self.now_ms()
        self._move_what_came_too_often(request["QueueUrl"])
        queue = self._queue(request["QueueUrl"])
        visible = [message for message in queue if message.visible_at_ms <= now_ms]
        in_flight = sum(message.is_in_flight(now_ms) for message in queue)
        room = max(0, self.max_in_flight - in_flight)
        taken = visible[: min(request.get("MaxNumberOfMessages", 1), room)]
        for message in taken:
            message.receive_count += 1
            message.receipt = f"{message.id}#{next(self._receipts)}"
            message.visible_at_ms = now_ms + self.visibility_timeout_seconds * 1000
        return {"Messages": [_received(message) for message in taken]}

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        """Let up to 10 messages that were received come back at other times."""
        _check_number(request["Entries"])
        failed = []
        for entry in request["Entries"]:
            message = self._find(request["QueueUrl"], entry["ReceiptHandle"])
            if message is None or entry["VisibilityTimeout"] > MAX_VISIBILITY_SECONDS:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "InvalidParameter"})
            else:
                message.visible_at_ms = self.now_ms() + entry["VisibilityTimeout"] * 1000
        return {"Failed": failed}

    def delete_message(self, **request: Any) -> dict[str, Any]:
        """Acknowledge one message that was received."""
        queue = self._queue(request["QueueUrl"])
        message = self._find(request["QueueUrl"], request["ReceiptHandle"])
        if message is not None:
            queue.remove(message)
        return {}

    def _put(self, url: str, entry: Mapping[str, Any]) -> str:
        delay_seconds = entry.get("DelaySeconds", 0)
        if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
            raise _error("InvalidParameterValue")
        now_ms = self.now_ms()
        message = StoredMessage(
            id=str(uuid.uuid4()),
            body=entry["MessageBody"],
            attributes=entry.get("MessageAttributes", {}),
            sent_at_ms=now_ms,
            visible_at_ms=now_ms + delay_seconds * 1000,
            group_id=entry.get("MessageGroupId"),
        )
        self._queue(url).append(message)
        return message.id

    def _queue(self, url: str) -> list[StoredMessage]:
        """Return the messages of a queue, without those that it has kept for too long."""
        try:
            queue = self._queues[url]
        except KeyError:
            raise _error("AWS.SimpleQueueService.NonExistentQueue") from None
        oldest_ms = self.now_ms() - RETENTION_SECONDS * 1000
        queue[:] = [message for message in queue if message.sent_at_ms >= oldest_ms]
        return queue

    def _move_what_came_too_often(self, url: str) -> None:
        """Move to the dead-letter queue what was received as often as its queue allows."""
        if self.redrive is None or url == self.redrive.dead_letter_url:
            return
        queue = self._queue(url)
        for message in list(queue):
            is_visible = message.visible_at_ms <= self.now_ms()
            if is_visible and message.receive_count >= self.redrive.max_receive_count:
                queue.remove(message)
                message.source_arn = f"{_ARN_PREFIX}{url.removeprefix(_URL_PREFIX)}"
                self._queue(self.redrive.dead_letter_url).append(message)

    def _find(self, url: str, receipt: str) -> StoredMessage | None:
        return next((message for message in self._queue(url) if message.receipt == receipt), None)


def lambda_event(queue: Queue, received: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the Lambda event of messages as `receive_message` returns them.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
    """
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {
                    name: {"stringValue": one["StringValue"], "dataType": one["DataType"]}
                    for name, one in message.get("MessageAttributes", {}).items()
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": queue.arn,
            }
            for message in received
        ]
    }


def _received(message: StoredMessage) -> dict[str, Any]:
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": {
            "ApproximateReceiveCount": str(message.receive_count),
            "SentTimestamp": str(message.sent_at_ms),
            **({"DeadLetterQueueSourceArn": message.source_arn} if message.source_arn else {}),
        },
        "MessageAttributes": dict(message.attributes),
    }


def _check_number(entries: Sequence[Mapping[str, Any]]) -> None:
    if len(entries) > MAX_BATCH_ENTRIES:
        raise _error("AWS.SimpleQueueService.TooManyEntriesInBatchRequest")


def _check_size(code: str, entries: Sequence[Mapping[str, Any]]) -> None:
    if sum(map(_size, entries)) > MAX_BYTES:
        raise _error(code)


def _size(entry: Mapping[str, Any]) -> int:
    """Return how many bytes of a message count: names, types and values of attributes, too."""
    texts = [entry["MessageBody"]]
    for name, attribute in entry.get("MessageAttributes", {}).items():
        texts += [name, attribute["DataType"], attribute["StringValue"]]
    return sum(len(text.encode()) for text in texts)


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "MemoryBroker")
