"""Acknowledges the messages of a batch: each once all that follows from its task's end is done.

That is, in this order: its dead letter or the message of its next turn is sent, and then its record
is written. So whoever dies in between leaves a message that comes back, and no task that nobody
sends again.

A message is acknowledged by default; `kept` are the ids of those that must come back.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import PermanentError, SendError, StoreError, TaskIdTaken
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import Finish
from taskqueue.sending.sender import SendAgain
from taskqueue.worker import outcome
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.sending_on import next_sending

if TYPE_CHECKING:
    from taskqueue.worker.worker import Worker

# Calls a function a moment later, perhaps in another thread.
type Soon = Callable[[Callable[[], None]], None]
type FollowUp = Callable[[], None]
type Written = tuple[Delivery, Finish, FollowUp | None]


class Acknowledgement:
    """The ends of one batch's tasks, on their way to the store and the queues of `worker`."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._log = worker.logger
        self._unwritten: list[tuple[Attempt, End]] = []
        self._changing = threading.Lock()
        self._writing = threading.Lock()
        self._comes_back_at_ms: dict[str, int] = {}
        self.kept: set[str] = set()
        self.statuses: Counter[str] = Counter()

    def end(self, attempt: Attempt, end: End) -> None:
        """Take the end of one attempt; it is written soon, with those that come by then.

        A dead letter is sent at once, and before its task is FAILURE: the other way round, a worker
        that died in between would leave a finished task, whose message is acknowledged and told
        nowhere. It carries the error, so that whoever writes FAILURE first writes the same.
        """
        reason = end.dead_letter_reason
        if reason is not None and not self.reject_attempt(attempt, reason, end.error):
            return
        self._count(end.status)
        with self._changing:
            self._unwritten.append((attempt, end))
            is_first = len(self._unwritten) == 1
        if is_first:
            self._worker.soon(self.write_ends)

    def keep(self, delivery: Delivery, until_ms: int | None = None) -> None:
        """Let the message come back at that time, or when its visibility timeout is over."""
        self.kept.add(delivery.message_id)
        if until_ms is not None:
            self._comes_back_at_ms[delivery.receipt_handle] = until_ms

    def put_off(self, deliveries: Sequence[Delivery]) -> None:
        """Send messages that came before their time once more, to come back when they are due.

        Messages that are hidden instead count as in flight, of which a queue takes 120,000; and
        hiding does not extend the 14 days for which a queue keeps a message. One that is far off
        and has no record gets one, so that it can be seen and revoked.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
        """
        ready = [one for one in deliveries if self._is_recorded(one)]
        sendings = [(one, sending) for one in ready if (sending := self._next_sending(one))]
        again, now_ms = [sending for _, sending in sendings], self._worker.now_ms()
        unsent = self._worker.sender.send_again(again, now_ms) if again else {}
        for one, _ in sendings:
            error = unsent.get(one.message.id)
            if isinstance(error, PermanentError):
                self._count(states.FAILURE)
                self.reject(_rejected(one, f"it cannot be put off: {error}", ErrorInfo.of(error)))
            elif error:
                self.keep(one)

    def reject(self, rejected: RejectedMessage) -> bool:
        """Send a message to the dead letters; False where it could not be sent and comes back."""
        # Not the reason, which may quote arguments: the dead letter has it.
        extra = {"task_id": rejected.task_id, "task": rejected.task}
        try:
            self._worker.dead_letters.send(rejected)
        except SendError as error:
            self.kept.add(rejected.message_id)
            self._log.error("a dead letter was not sent: %s", error, extra=extra)
            return False
        self._log.warning("dead letter", extra=extra)
        return True

    def reject_attempt(self, attempt: Attempt, reason: str, error: ErrorInfo | None = None) -> bool:
        """Send the message of a task that was claimed to the dead letters."""
        return self.reject(_rejected(attempt.delivery, reason, error, attempt.number))

    def settle(self) -> None:
        """Write what is not written yet, and let what is kept come back at its time."""
        self.write_ends()
        self._hide()

    def write_ends(self) -> None:
        """Send and write what has come since the last time, 10 messages and 25 ends a request.

        Returns when all that came before is written, whoever writes it.
        """
        with self._writing:
            with self._changing:
                unwritten, self._unwritten = self._unwritten, []
            try:
                self._write(self._sent(unwritten))
            except Exception as error:  # noqa: BLE001 - whatever fails, their messages come back
                extra = error_fields(error)
                self._log.error("%d ends were not written", len(unwritten), extra=extra)
                self.kept.update(attempt.delivery.message_id for attempt, _ in unwritten)

    def _sent(self, ends: Sequence[tuple[Attempt, End]]) -> list[Written]:
        """Send the messages of next turns; return what is to be written after that."""
        again = [end.again for _, end in ends if end.again]
        unsent = self._worker.sender.send_again(again, self._worker.now_ms()) if again else {}
        written = []
        for attempt, end in ends:
            delivery = attempt.delivery
            error = unsent.get(delivery.message.id) if end.again else None
            last = self._unsent(attempt, error) if error else end
            if last and last.finish:
                written.append((delivery, last.finish, last.follow_up))
        return written

    def _unsent(self, attempt: Attempt, error: SendError) -> End | None:
        """Return the end of a task whose next turn is refused for good; else let it come back."""
        delivery = attempt.delivery
        extra = {"task_id": delivery.message.id}
        self._log.error("a retry was not sent: %s", error, extra=extra)
        if not isinstance(error, PermanentError):
            self.keep(delivery)
            return None
        end = outcome.refused(attempt, error, self._worker.now_ms())
        if not self.reject_attempt(attempt, end.dead_letter_reason or "", end.error):
            return None
        self._count(end.status)
        follow_up = self._worker.execution.follow_up(delivery, end.status)
        return end._replace(follow_up=follow_up)

    def _count(self, status: str) -> None:
        with self._changing:
            self.statuses[status] += 1

    def _write(self, ends: Sequence[Written]) -> None:
        if not ends:
            return
        try:
            held = self._worker.store.finish([finish for _, finish, _ in ends])
        except StoreError as error:
            self._log.error("the ends of %d tasks were not written: %s", len(ends), error)
            held = [False] * len(ends)
        for (delivery, finish, follow_up), is_held in zip(ends, held, strict=True):
            if is_held and follow_up:
                self.follow_up(delivery, follow_up)
            if not is_held:
                self.keep(delivery)
                self._log.warning(
                    "the end of attempt %d is not written: its lease is lost, or the store refused",
                    finish.attempt,
                    extra={"task_id": finish.task_id},
                )

    def follow_up(self, delivery: Delivery, follow_up: FollowUp) -> None:
        """Do what follows from an end that is written; its message comes back if that fails."""
        try:
            follow_up()
        except Exception as error:  # noqa: BLE001 - whatever fails is done again
            extra = {"task_id": delivery.message.id, **error_fields(error)}
            self._log.error("what follows from the end is not done", extra=extra)
            self.keep(delivery)

    def _next_sending(self, delivery: Delivery) -> SendAgain | None:
        """Return a message as it is sent on; None where a copy has been, or where that fails."""
        worker, extra = self._worker, {"task_id": delivery.message.id}
        try:
            again = next_sending(delivery, worker.store, worker.sender, worker.now_ms())
        except StoreError as error:
            self._log.warning("not put off: %s", error, extra=extra)
            self.keep(delivery)
            return None
        if not again:
            self._log.info("duplicate of a message that was put off", extra=extra)
        return again

    def _is_recorded(self, delivery: Delivery) -> bool:
        """Make the record that a stock client's message has not; False where that fails."""
        if delivery.message.is_own or delivery.task.options.idempotent:
            return True
        try:
            self._worker.store.enqueue(delivery.message, self._worker.now_ms())
        except TaskIdTaken:
            return True
        except StoreError as error:
            extra = {"task_id": delivery.message.id}
            self._log.warning("not put off: %s", error, extra=extra)
            self.keep(delivery)
            return False
        return True

    def _hide(self) -> None:
        times, self._comes_back_at_ms = self._comes_back_at_ms, {}
        if not times:
            return
        now_ms = self._worker.now_ms()
        try:
            failed = self._worker.visibility.change(
                {receipt: hidden_seconds(at_ms - now_ms) for receipt, at_ms in times.items()}
            )
        except SendError as error:
            self._log.warning("messages come back at their visibility timeout: %s", error)
        else:
            if failed:
                self._log.warning("%d messages come back at their visibility timeout", failed)


def hidden_seconds(left_ms: int) -> int:
    """Return for how long SQS is to hide a message that is to come back in `left_ms`."""
    return max(math.ceil(left_ms / 1000), 0)


def _rejected(
    delivery: Delivery, reason: str, error: ErrorInfo | None, attempt: int | None = None
) -> RejectedMessage:
    message = delivery.message
    return RejectedMessage(
        queue=message.queue,
        message_id=delivery.message_id,
        body=delivery.body,
        reason=reason,
        task_id=message.id,
        task=message.task,
        error=error,
        attempt=attempt,
    )
