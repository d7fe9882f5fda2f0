"""The consumer of the views queue: one segment per batch and minute, not one write per view.

A message is acknowledged once its views are written. When a segment cannot be written, the messages
that have views in it come back, and no others. Views of theirs that were written are then written
again, and counted once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from books.counting.minutes import StoredSegment, ViewStore
from books.counting.segments import (
    MessageCounts,
    by_minute,
    encode,
    message_key,
    segment_id,
    split,
)
from books.counting.summaries import list_of
from books.errors import InvalidView, ViewsUnwritten
from books.views import View, read_pairs
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import PoisonMessage, SendError, StoreError
from taskqueue.records import states
from taskqueue.task import AnyTask
from taskqueue.worker.delivery import Delivery, read
from taskqueue.worker.metrics import send_counts

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from taskqueue.app import App


@dataclass(frozen=True, slots=True)
class ReceivedViews:
    """What a batch of messages holds: the views of each message, and those that are rejected.

    `views` are by the id of the Celery message, which `ids` gives for each message of SQS.
    """

    views: Mapping[str, list[View]]
    ids: Mapping[str, str]
    rejected: tuple[RejectedMessage, ...]


class ViewsConsumer:
    """Counts the views of SQS batches; `task` is the one task that its messages may be for."""

    def __init__(
        self,
        app: "App",
        task: AnyTask,
        store: Callable[[], ViewStore],
        dead_letters: DeadLetterQueue,
        window_minutes: int,
        logger: "Logger",
        metrics: "Metrics",
    ) -> None:
        self._app = app
        self._task = task
        self._store = store
        self._dead_letters = dead_letters
        self._window_minutes = window_minutes
        self._log = logger
        self._metrics = metrics

    def handle(self, event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
        """Count one event of the queue and report which messages must come back."""
        batch = self._read(event["Records"])
        kept = self._count(batch) | self._reject(batch)
        return {"batchItemFailures": [{"itemIdentifier": one} for one in sorted(kept)]}

    def _read(self, records: list[dict[str, Any]]) -> ReceivedViews:
        queue = self._task.queue
        views: dict[str, list[View]] = {}
        rejected: list[RejectedMessage] = []
        ids: dict[str, str] = {}
        for record in records:
            message_id = record["messageId"]
            try:
                delivery = read(record, self._app, queue)
                views[delivery.message.id] = self._views(delivery)
                ids[message_id] = delivery.message.id
            except PoisonMessage as error:
                rejected.append(
                    RejectedMessage(
                        queue, message_id, record["body"], error.reason, error.task_id, error.task
                    )
                )
        return ReceivedViews(views, ids, tuple(rejected))

    def _views(self, delivery: Delivery) -> list[View]:
        message = delivery.message
        if delivery.task is not self._task:
            reason = f"this queue is for {self._task.name} only"
            raise PoisonMessage(reason, message.id, message.task)
        content = message.args[0] if message.args else message.kwargs["views"]
        try:
            return read_pairs(content, delivery.sent_at_ms, self._window_minutes)
        except InvalidView as error:
            raise PoisonMessage(str(error), message.id, message.task) from None

    def _count(self, batch: ReceivedViews) -> frozenset[str]:
        """Write the batch's views; return the ids of the messages that must come back."""
        unwritten: frozenset[bytes] = frozenset()
        try:
            append(self._store(), batch.views)
        except ViewsUnwritten as error:
            unwritten = error.message_keys
            self._log.error("%d messages of views come back: %s", len(unwritten), error)
        counted = [views for id, views in batch.views.items() if message_key(id) not in unwritten]
        views = sum(map(len, counted))
        if views:
            self._metrics.add_metric("ViewsCounted", "Count", views)
        send_counts(
            self._metrics, {states.SUCCESS: len(counted), states.FAILURE: len(batch.rejected)}
        )
        self._log.info("views counted", extra={"views": views, "messages": len(counted)})
        return frozenset(
            message_id for message_id, id in batch.ids.items() if message_key(id) in unwritten
        )

    def _reject(self, batch: ReceivedViews) -> frozenset[str]:
        kept = set()
        for rejected in batch.rejected:
            # Not the reason, which may quote the message: the dead letter has it.
            extra = {"task_id": rejected.task_id}
            try:
                self._dead_letters.send(rejected)
            except SendError as error:
                kept.add(rejected.message_id)
                self._log.error("a dead letter was not sent: %s", error, extra=extra)
            else:
                self._log.warning("dead letter", extra=extra)
        return frozenset(kept)


def append(store: ViewStore, views: Mapping[str, list[View]]) -> int:
    """Write the views of these messages, by id; return the number of segments.

    Raises:
        ViewsUnwritten: segments were not written; doing it all again is harmless.
    """
    parts = [
        (minute, part) for minute, said in by_minute(views.items()).items() for part in split(said)
    ]
    unwritten: set[bytes] = set()
    failure: StoreError | None = None
    for minute, part in parts:
        try:
            store.append(_segment(store, minute, part))
        except StoreError as error:
            failure = error
            unwritten.update(message.key for message in part)
    if failure:
        raise ViewsUnwritten(failure, unwritten) from failure
    return len(parts)


def _segment(store: ViewStore, minute: int, part: Sequence[MessageCounts]) -> StoredSegment:
    data = encode(part, store.known_books(list_of(minute)))
    return StoredSegment(minute, segment_id(part), data)
