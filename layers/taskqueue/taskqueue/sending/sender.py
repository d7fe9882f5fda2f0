"""Sends task messages: the record first, then the message, so that no id answers 404."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NotRequired, TypedDict

from taskqueue.aws.errors import send_error, send_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import PermanentError, SendError, SendRefused, StoreError
from taskqueue.message import MAX_BYTES, Message, encode, size_bytes
from taskqueue.queue import Queue
from taskqueue.records.record import TaskRecord
from taskqueue.records.store import Enqueued, Recorder, TaskStore
from taskqueue.sending.one_time_schedules import MAX_INPUT_BYTES, OneTimeSchedules

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_DELAY_SECONDS = 900
MESSAGE_EARLY_MS = 1_000
MAX_BATCH_ENTRIES = 10


class SqsEntry(TypedDict):
    """A message as SQS takes it."""

    MessageBody: str
    DelaySeconds: int
    MessageGroupId: NotRequired[str]


@dataclass(frozen=True, slots=True, eq=False)
class Outgoing:
    """A message on its way. `is_scheduled`: EventBridge Scheduler sends it when it is due."""

    message: Message
    queue: Queue
    entry: SqsEntry
    is_scheduled: bool


class SendAgain(NamedTuple):
    """A message that goes out once more: before its time the same, else for its task's next turn.

    `message` says where it goes, and when; `body` is what is sent.
    """

    message: Message
    body: str


class Sender:
    """Sends messages to the queues that they name.

    `delayed` takes those that are due in more than 15 minutes; what is too large for it goes from
    one delay of 15 minutes to the next.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        store: TaskStore,
        queues: Mapping[str, Queue],
        delayed: OneTimeSchedules | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        self._sqs = sqs
        self._store = store
        self._queues = queues
        self._delayed = delayed
        self._patience = patience

    def send(self, message: Message, now_ms: int, recorder: Recorder | None = None) -> Enqueued:
        """Record and send one task; under an id that has begun to run, nothing is sent.

        Args:
            recorder: makes the record, together with something of its caller's; without one, the
                store of task records does.

        Raises:
            MessageTooLarge, SendError: nothing was sent, and no record stays behind.
            TaskIdTaken: the id is that of a task of another name.
            StoreError: nothing was sent. The record could not be written; or it was, but neither
                could the message be sent nor the record be removed.
        """
        outgoing = self._outgoing(message, now_ms)
        records = recorder or self._store
        enqueued = records.enqueue(message, now_ms)
        if enqueued is Enqueued.BEGUN:
            return enqueued
        try:
            self._send_one(outgoing)
        except SendError:
            if enqueued is Enqueued.NEW:
                records.forget(message.id)
            raise
        return enqueued

    def send_many(self, messages: Sequence[Message], now_ms: int) -> None:
        """Record and send many tasks, 25 records and 10 messages a request.

        Raises:
            MessageTooLarge, TaskIdTaken: nothing was sent, and no record stays behind.
            StoreError: nothing was sent; where the database gave no answer, records may stay. Or
                some were not sent, and not all of their records could be removed: these are
                PENDING until they are sent again, under the same ids.
            SendError: some were not sent, and of those no record stays behind.
        """
        outgoing = [self._outgoing(message, now_ms) for message in messages]
        found = self._store.enqueue_many(messages, now_ms)
        new = {one.id for one, was in zip(messages, found, strict=True) if was is Enqueued.NEW}
        unsent = self._send_all(
            [one for one, was in zip(outgoing, found, strict=True) if was is not Enqueued.BEGUN]
        )
        self._forget(one.message.id for one in unsent if one.message.id in new)
        _check_sent(unsent)

    def send_unrecorded(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send tasks that are idempotent by nature, which have no records, ten a request.

        Raises:
            MessageTooLarge: nothing was sent.
            SendError: some were not sent; those that were do no harm when sent again.
        """
        _check_sent(self._send_all([self._outgoing(message, now_ms) for message in messages]))

    def send_again(self, messages: Sequence[SendAgain], now_ms: int) -> dict[str, SendError]:
        """Send messages of tasks that are recorded or need no record, ten a request.

        Returns:
            The ids of those tasks whose message was not sent, and why.
        """
        outgoing, unsent = [], {}
        for one in messages:
            try:
                outgoing.append(self._outgoing(one.message, now_ms, one.body))
            except SendError as error:
                unsent[one.message.id] = error
        failed = self._send_apart(self._send_all(outgoing))
        return unsent | {one.message.id: error for one, error in failed.items()}

    def goes_by_hops(self, again: SendAgain, now_ms: int) -> bool:
        """Whether a message goes from one delay of 15 minutes to the next."""
        return _is_far(again.message, now_ms) and not self._takes(again.body)

    def take_back(self, record: TaskRecord) -> None:
        """Delete the schedule of a task that is due in more than 15 minutes, if there is one.

        Raises:
            SendError: EventBridge Scheduler refused or did not answer.
        """
        if self._delayed:
            self._delayed.delete(record.id, record.turn, record.attempts, record.publish)

    def _outgoing(self, message: Message, now_ms: int, body: str | None = None) -> "Outgoing":
        text = encode(message) if body is None else body
        entry: SqsEntry = {"MessageBody": text, "DelaySeconds": delay_seconds(message, now_ms)}
        if message.group_id:
            entry["MessageGroupId"] = message.group_id
        is_scheduled = _is_far(message, now_ms) and self._takes(text)
        return Outgoing(message, self._queue(message.queue), entry, is_scheduled)

    def _takes(self, body: str) -> bool:
        """Whether EventBridge Scheduler is there and takes a message of that size."""
        return self._delayed is not None and size_bytes(body) <= MAX_INPUT_BYTES

    def _send_one(self, one: "Outgoing") -> None:
        if self._delayed and one.is_scheduled:
            self._delayed.send(one.queue, one.message, one.entry["MessageBody"])
            return
        with send_errors():
            self._sqs.send_message(QueueUrl=one.queue.url, **one.entry)

    def _send_all(self, outgoing: "Sequence[Outgoing]") -> "dict[Outgoing, SendError]":
        """Send each to its queue; return those that were not sent, and why."""
        unsent: dict[Outgoing, SendError] = {}
        near: dict[Queue, list[Outgoing]] = {}
        for one in outgoing:
            if one.is_scheduled:
                try:
                    self._send_one(one)
                except SendError as error:
                    unsent[one] = error
            else:
                near.setdefault(one.queue, []).append(one)
        for queue, ones in near.items():
            for batch in batches(ones):
                unsent |= self._send_batch(queue, batch)
        return unsent

    def _send_apart(self, failed: "dict[Outgoing, SendError]") -> "dict[Outgoing, SendError]":
        """Send each on its own of those that were refused together: one may be why all were."""
        refused = [one for one, error in failed.items() if isinstance(error, PermanentError)]
        if len(refused) < 2:
            return failed
        unsent = {one: error for one, error in failed.items() if one not in refused}
        for one in refused:
            unsent |= self._send_all([one])
        return unsent

    def _send_batch(self, queue: Queue, batch: "Sequence[Outgoing]") -> "dict[Outgoing, SendError]":
        """Send up to ten, some again that SQS fails to take; return those not sent, and why."""
        unsent: dict[Outgoing, SendError] = {}

        def send(wanted: "Sequence[Outgoing]") -> "Sequence[Outgoing]":
            entries: Any = [{"Id": str(index), **one.entry} for index, one in enumerate(wanted)]
            try:
                with send_errors():
                    response = self._sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)
            except SendError as error:
                unsent.update(dict.fromkeys(wanted, error))
                return ()
            failed = {
                wanted[int(failure["Id"])]: send_error(failure.get("Code", ""))
                for failure in response.get("Failed", [])
            }
            refused = {one: why for one, why in failed.items() if isinstance(why, PermanentError)}
            unsent.update(refused)
            return [one for one in failed if one not in refused]

        left = self._patience.ask(send, batch)
        return unsent | dict.fromkeys(left, SendError())

    def _forget(self, task_ids: Iterable[str]) -> None:
        """Remove the records of tasks that were not sent, as many as can be.

        Raises:
            StoreError: some could not be removed.
        """
        errors = []
        for task_id in task_ids:
            try:
                self._store.forget(task_id)
            except StoreError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _queue(self, name: str) -> Queue:
        try:
            return self._queues[name]
        except KeyError:
            known = ", ".join(sorted(self._queues)) or "none"
            reason = f"there is no queue {name!r}; this process's settings name {known}"
            raise SendRefused(reason) from None


def _is_far(message: Message, now_ms: int) -> bool:
    """Whether a message is due later than SQS delays it."""
    return (message.eta_ms or 0) - now_ms > MAX_DELAY_SECONDS * 1000


def delay_seconds(message: Message, now_ms: int) -> int:
    """Return for how many seconds SQS is to delay the message.

    That is one to two seconds less than is left until the task is due: the queue's consumer may
    take a second to look again. The worker waits out the rest, so that no task starts late.
    """
    left_ms = (message.eta_ms or 0) - now_ms - MESSAGE_EARLY_MS
    return min(max(left_ms, 0) // 1000, MAX_DELAY_SECONDS)


def batches(outgoing: "Sequence[Outgoing]") -> "Iterator[list[Outgoing]]":
    """Split messages into requests of at most 10 messages and 1 MiB together."""
    batch: list[Outgoing] = []
    size = 0
    for one in outgoing:
        length = size_bytes(one.entry["MessageBody"])
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size + length > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch


def _check_sent(unsent: "Mapping[Outgoing, SendError]") -> None:
    if not unsent:
        return
    message = f"the queue did not take {len(unsent)} messages"
    if all(isinstance(error, PermanentError) for error in unsent.values()):
        raise SendRefused(message)
    raise SendError(message)
