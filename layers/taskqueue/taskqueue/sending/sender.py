"""Sends task messages: the record first, then the message, so that no id answers 404."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.errors import SendError
from taskqueue.message import MAX_BYTES, Message, encode
from taskqueue.queue import Queue
from taskqueue.records.store import Enqueued, Recorder, TaskStore
from taskqueue.sending.one_time_schedules import OneTimeSchedules

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_DELAY_SECONDS = 900
MESSAGE_EARLY_MS = 1_000
MAX_BATCH_ENTRIES = 10
MAX_TRIES = 4


class Sender:
    """Sends messages to the queues that they name.

    `delayed` takes those that are due in more than 15 minutes.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        store: TaskStore,
        queues: Mapping[str, Queue],
        delayed: OneTimeSchedules | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sqs = sqs
        self._store = store
        self._queues = queues
        self._delayed = delayed
        self._sleep = sleep

    def send(self, message: Message, now_ms: int, recorder: Recorder | None = None) -> Enqueued:
        """Record and send one task; under an id that has begun to run, nothing is sent.

        Args:
            recorder: makes the record, together with something of its caller's; without one, the
                store of task records does.

        Raises:
            MessageTooLarge, SendError: nothing was sent, and no record stays behind.
            TaskIdTaken: the id is that of a task of another name.
            StoreError: the record could not be written; nothing was sent.
        """
        body = encode(message)
        queue = self._queue(message.queue)
        records = recorder or self._store
        enqueued = records.enqueue(message, now_ms)
        if enqueued is Enqueued.BEGUN:
            return enqueued
        try:
            self._send_one(queue, message, body, now_ms)
        except SendError:
            if enqueued is Enqueued.NEW:
                records.forget(message.id)
            raise
        return enqueued

    def send_unrecorded(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send tasks that are idempotent by nature, which have no records, ten a request.

        Raises:
            MessageTooLarge: nothing was sent.
            SendError: some were not sent; those that were do no harm when sent again.
        """
        by_queue: dict[str, list[SendMessageBatchRequestEntryTypeDef]] = {}
        for index, message in enumerate(messages):
            by_queue.setdefault(message.queue, []).append(
                {
                    "Id": str(index),
                    "MessageBody": encode(message),
                    "DelaySeconds": delay_seconds(message, now_ms),
                }
            )
        for name, entries in by_queue.items():
            for batch in batches(entries):
                self._send_batch(self._queue(name), batch)

    def _send_one(self, queue: Queue, message: Message, body: str, now_ms: int) -> None:
        due_at_ms = message.eta_ms or 0
        if self._delayed and due_at_ms - now_ms > MAX_DELAY_SECONDS * 1000:
            self._delayed.send(queue, message.id, body, due_at_ms)
            return
        with send_errors():
            self._sqs.send_message(
                QueueUrl=queue.url,
                MessageBody=body,
                DelaySeconds=delay_seconds(message, now_ms),
            )

    def _send_batch(
        self, queue: Queue, entries: "list[SendMessageBatchRequestEntryTypeDef]"
    ) -> None:
        for tried in range(MAX_TRIES):
            with send_errors():
                response = self._sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
            failed = {failure["Id"] for failure in response.get("Failed", [])}
            if not failed:
                return
            entries = [entry for entry in entries if entry["Id"] in failed]
            self._sleep(random.uniform(0, 0.1 * 2**tried))
        raise SendError(f"the queue refused {len(entries)} messages of a batch")

    def _queue(self, name: str) -> Queue:
        try:
            return self._queues[name]
        except KeyError:
            raise SendError(f"there is no queue {name!r}") from None


def delay_seconds(message: Message, now_ms: int) -> int:
    """Return the delay that SQS can keep of what is left until the task is due.

    One to two seconds less than is left: the queue's consumer may take a second to look again, and
    the worker waits out the rest, so that no task starts late for it.
    """
    left_ms = (message.eta_ms or 0) - now_ms - MESSAGE_EARLY_MS
    return min(max(left_ms, 0) // 1000, MAX_DELAY_SECONDS)


def batches(
    entries: "Sequence[SendMessageBatchRequestEntryTypeDef]",
) -> "Iterator[list[SendMessageBatchRequestEntryTypeDef]]":
    """Split entries into requests of at most 10 messages and 1 MiB together."""
    batch: list[SendMessageBatchRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        length = len(entry["MessageBody"])
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
