"""The consumer of the views queue: one segment per batch and minute, not one write per view.

A message is acknowledged once its views are written. When that fails, all messages of the batch
come back. Views that were written before the failure are then written again, and counted once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from books.counting.minutes import StoredSegment, ViewStore
from books.counting.segments import by_minute, encode, segment_id, split
from books.counting.summaries import list_of
from books.errors import InvalidView
from books.views import View, read_pairs
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.dead_letters.sender import DeadLetterSender
from taskqueue.errors import PoisonMessage, SendError, StoreError
from taskqueue.task import AnyTask
from taskqueue.worker.delivery import Delivery, read

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from taskqueue.app import App


@dataclass(frozen=True, slots=True)
class ReceivedViews:
    """What a batch of messages holds: the views of each message, and those that are rejected."""

    views: Mapping[str, list[View]]
    message_ids: frozenset[str]
    rejected: tuple[RejectedMessage, ...]


class ViewsConsumer:
    """Counts the views of SQS batches; `task` is the one task that its messages may be for."""

    def __init__(
        self,
        app: "App",
        task: AnyTask,
        store: Callable[[], ViewStore],
        dead_letters: DeadLetterSender,
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
        self._metrics.flush_metrics()
        return {"batchItemFailures": [{"itemIdentifier": one} for one in sorted(kept)]}

    def _read(self, records: list[dict[str, Any]]) -> ReceivedViews:
        queue = self._task.queue
        views: dict[str, list[View]] = {}
        rejected: list[RejectedMessage] = []
        message_ids: set[str] = set()
        for record in records:
            message_id = record["messageId"]
            try:
                delivery = read(record, self._app, queue)
                views[delivery.message.id] = self._views(delivery)
                message_ids.add(message_id)
            except PoisonMessage as error:
                rejected.append(
                    RejectedMessage(
                        queue, message_id, record["body"], error.reason, error.task_id, error.task
                    )
                )
        return ReceivedViews(views, frozenset(message_ids), tuple(rejected))

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
        try:
            segments = append(self._store(), batch.views)
        except StoreError as error:
            self._log.error("%d messages of views come back: %s", len(batch.message_ids), error)
            return batch.message_ids
        views = sum(map(len, batch.views.values()))
        self._metrics.add_metric("ViewsCounted", "Count", views)
        self._log.info("views counted", extra={"views": views, "segments": segments})
        return frozenset()

    def _reject(self, batch: ReceivedViews) -> frozenset[str]:
        kept = set()
        for rejected in batch.rejected:
            extra = {"task_id": rejected.task_id, "reason": rejected.reason}
            try:
                self._dead_letters.send(rejected)
            except SendError as error:
                kept.add(rejected.message_id)
                self._log.error("a dead letter was not sent: %s", error, extra=extra)
            else:
                self._log.warning("dead letter", extra=extra)
        self._metrics.add_metric("ViewMessagesRefused", "Count", len(batch.rejected))
        return frozenset(kept)


def append(store: ViewStore, views: Mapping[str, list[View]]) -> int:
    """Write the views of these messages, by id; return the number of segments.

    Raises:
        StoreError, Throttled: a request failed; doing it all again is harmless.
    """
    segments = [
        StoredSegment(minute, segment_id(part), encode(part, store.known_books(list_of(minute))))
        for minute, said in by_minute(views.items()).items()
        for part in split(said)
    ]
    for segment in segments:
        store.append(segment)
    return len(segments)
