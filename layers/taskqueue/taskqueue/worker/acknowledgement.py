"""Acknowledges the messages of a batch: each once its task's end is written.

A message is acknowledged by default; `kept` are the ids of those that must come back.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.dead_letters.sender import DeadLetterSender
from taskqueue.errors import SendError, StoreError
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import Finish, TaskStore
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.outcome import End
from taskqueue.worker.visibility import Visibility

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

# SQS hides a message for at most 12 hours after it was received, which may be 15 minutes ago. A
# message that is to wait longer comes back, is found early, and is hidden again.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
MAX_HIDDEN_SECONDS = 12 * 60 * 60 - 15 * 60 - 60
# A finished task waits no longer than this for the rest of its batch.
MAX_UNWRITTEN_MS = 1_000


class Acknowledgement:
    """The ends of one batch's tasks, on their way to the store and the queue."""

    def __init__(
        self,
        store: TaskStore,
        visibility: Visibility,
        dead_letters: DeadLetterSender,
        logger: "Logger",
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._visibility = visibility
        self._dead_letters = dead_letters
        self._log = logger
        self._now_ms = now_ms
        self._unwritten: list[tuple[Delivery, Finish]] = []
        self._rejected: list[RejectedMessage] = []
        self._comes_back_at_ms: dict[str, int] = {}
        self.kept: set[str] = set()
        self.statuses: Counter[str] = Counter()

    def end(self, delivery: Delivery, end: End) -> None:
        """Take the end of one attempt; write what has waited for a second.

        A dead letter is sent before its task is FAILURE: the other way round, a worker that died in
        between would leave a finished task, whose message is acknowledged and told nowhere. It
        carries the error, so that whoever writes FAILURE first writes the same.
        """
        if end.dead_letter_reason is not None:
            rejected = _rejected(delivery, end.dead_letter_reason, end.error)
            if not self._send_dead_letter(rejected):
                return
        self.statuses[end.status] += 1
        if end.finish:
            self._unwritten.append((delivery, end.finish))
        if end.comes_back_at_ms is not None:
            self.keep(delivery, end.comes_back_at_ms)
        if self._unwritten and self._now_ms() - self._unwritten[0][1].at_ms >= MAX_UNWRITTEN_MS:
            self.write_ends()

    def keep(self, delivery: Delivery, until_ms: int) -> None:
        """Let the message come back at that time."""
        self.kept.add(delivery.message_id)
        self._comes_back_at_ms[delivery.receipt_handle] = until_ms

    def reject(self, rejected: RejectedMessage) -> None:
        """Send a message to the dead letters."""
        self._rejected.append(rejected)

    def reject_delivery(self, delivery: Delivery, reason: str) -> None:
        """Send the message of a known task to the dead letters."""
        self.reject(_rejected(delivery, reason))

    def settle(self) -> None:
        """Write, send and hide all that is left; a message for which that fails comes back."""
        self.write_ends()
        all_rejected, self._rejected = self._rejected, []
        for rejected in all_rejected:
            self._send_dead_letter(rejected)
        self._hide()

    def write_ends(self) -> None:
        """Write the ends that have come since the last time, in one request for 25."""
        unwritten, self._unwritten = self._unwritten, []
        if not unwritten:
            return
        try:
            held = self._store.finish([finish for _, finish in unwritten])
        except StoreError as error:
            self._log.error("the ends of %d tasks were not written: %s", len(unwritten), error)
            held = [False] * len(unwritten)
        for (delivery, finish), is_held in zip(unwritten, held, strict=True):
            if not is_held:
                self.kept.add(delivery.message_id)
                self._log.warning(
                    "the end of attempt %d is not written: its lease is lost, or the store refused",
                    finish.attempt,
                    extra={"task_id": finish.task_id},
                )

    def _send_dead_letter(self, rejected: RejectedMessage) -> bool:
        extra = {"task_id": rejected.task_id, "task": rejected.task, "reason": rejected.reason}
        try:
            self._dead_letters.send(rejected)
        except SendError as error:
            self.kept.add(rejected.message_id)
            self._log.error("a dead letter was not sent: %s", error, extra=extra)
            return False
        self._log.warning("dead letter", extra=extra)
        return True

    def _hide(self) -> None:
        times, self._comes_back_at_ms = self._comes_back_at_ms, {}
        if not times:
            return
        now_ms = self._now_ms()
        try:
            failed = self._visibility.change(
                {receipt: hidden_seconds(at_ms - now_ms) for receipt, at_ms in times.items()}
            )
        except SendError as error:
            self._log.warning("messages come back at the queue's own timeout: %s", error)
        else:
            if failed:
                self._log.warning("%d messages come back at the queue's own timeout", failed)


def hidden_seconds(left_ms: int) -> int:
    """Return for how long SQS is to hide a message that is to come back in `left_ms`."""
    return min(max(math.ceil(left_ms / 1000), 0), MAX_HIDDEN_SECONDS)


def _rejected(delivery: Delivery, reason: str, error: ErrorInfo | None = None) -> RejectedMessage:
    message = delivery.message
    return RejectedMessage(
        message.queue, delivery.message_id, delivery.body, reason, message.id, message.task, error
    )
