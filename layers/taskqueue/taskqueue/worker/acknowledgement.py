"""Acknowledges the messages of a batch: each once all that follows from its task's end is done.

That is, in this order: its dead letter or the message of its next turn is sent, then its record is
written, and then what follows the task is sent. So whoever dies in between leaves a message that
comes back, and no task that nobody sends again.

A message is acknowledged by default; `kept` are the ids of those that must come back.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import PermanentError, SendError, StoreError, TaskIdTaken
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import Finish, Finished
from taskqueue.sending.sender import MAX_DELAY_SECONDS, SendAgain
from taskqueue.worker import outcome
from taskqueue.worker.claims import MAX_CLAIM_BACKOFF_SECONDS, claim_backoff_seconds
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.sending_on import next_sending

if TYPE_CHECKING:
    from taskqueue.worker.worker import Worker

# How long a message waits, at least, whose task runs or waits by another publish.
BEHIND_MS = 5_000

# Calls a function a moment later, perhaps in another thread.
type Soon = Callable[[Callable[[], None]], None]
type Ended = tuple[Attempt, End]


class Acknowledgement:
    """The ends of one batch's tasks, on their way to the store and the queues of `worker`."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker
        self._log = worker.logger
        self._unwritten: list[Ended] = []
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
        if reason is not None:
            error = self.reject_attempt(attempt, reason, end.error)
            if error:
                self._give_back_unsent(attempt, error)
                return
        self.count(end.status)
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

    def give_back(self, attempt: Attempt, after_seconds: float) -> None:
        """Return a task to the queue, unfinished: its attempt counts as no worker's death.

        An end that is written all the same, though the answer was lost, stays.
        """
        self.keep(attempt.delivery, self._worker.now_ms() + round(after_seconds * 1000))
        if attempt.number == 0:
            return
        try:
            self._worker.store.release(attempt.delivery.message.id, attempt.number)
        except StoreError as error:
            extra = {"task_id": attempt.delivery.message.id}
            self._log.warning("not given back: %s", error, extra=extra)

    @contextmanager
    def kept_on_error(self, delivery: Delivery) -> Iterator[None]:
        """Let a message come back for which something unforeseen failed: it never fails others."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is
            extra = {"task_id": delivery.message.id, **error_fields(error)}
            self._log.error("not delivered", extra=extra)
            self.kept.add(delivery.message_id)

    def put_off(self, deliveries: Sequence[Delivery]) -> None:
        """Send messages that came before their time once more, to come back when they are due.

        Messages that are hidden instead count as in flight, of which a queue takes 120,000; and
        hiding does not extend the 14 days for which a queue keeps a message. One that is far off
        and has no record gets one, so that it can be seen and revoked.
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
        """
        self._all_or_each(self._put_off, deliveries, lambda delivery: delivery)

    def put_off_behind(self, delivery: Delivery, due_at_ms: int) -> None:
        """Send a message once more whose task runs or waits by another publish.

        That one is due at `due_at_ms`, or was. Nobody knows when it ends: this message comes back
        again and again.
        """
        now_ms = self._worker.now_ms()
        at_ms = min(max(due_at_ms, now_ms + BEHIND_MS), now_ms + MAX_DELAY_SECONDS * 1000)
        again = SendAgain(replace(delivery.message, eta_ms=at_ms), delivery.body)
        self._send_on([(delivery, again)])

    def reject(self, rejected: RejectedMessage) -> SendError | None:
        """Send a message to the dead letters; return why it was not sent and comes back."""
        # Not the reason, which may quote arguments: the dead letter has it.
        extra = {"task_id": rejected.task_id, "task": rejected.task}
        try:
            self._worker.dead_letters.send(rejected)
        except SendError as error:
            self.kept.add(rejected.message_id)
            self._log.error("a dead letter was not sent: %s", error, extra=extra)
            return error
        self._log.warning("dead letter", extra=extra)
        return None

    def reject_attempt(
        self, attempt: Attempt, reason: str, error: ErrorInfo | None = None
    ) -> SendError | None:
        """Send the message of a task that was claimed to the dead letters, as `reject` does."""
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
            self._all_or_each(self._send_and_write, unwritten, lambda one: one[0].delivery)

    def _all_or_each[T](
        self,
        act: Callable[[Sequence[T]], None],
        ones: Sequence[T],
        delivery_of: Callable[[T], Delivery],
    ) -> None:
        """Do something for all at once; where it fails unforeseen, for each alone."""
        if not ones:
            return
        try:
            act(ones)
        except Exception as error:  # noqa: BLE001 - whatever it is, one must not keep the others
            self._log.error("%d messages, one by one", len(ones), extra=error_fields(error))
            for one in ones:
                with self.kept_on_error(delivery_of(one)):
                    act([one])

    def _put_off(self, deliveries: Sequence[Delivery]) -> None:
        ready = [one for one in deliveries if self._is_recorded(one)]
        self._send_on([(one, sending) for one in ready if (sending := self._next_sending(one))])

    def _send_on(self, sendings: Sequence[tuple[Delivery, SendAgain]]) -> None:
        unsent = self._send_again([sending for _, sending in sendings])
        for one, _ in sendings:
            error = unsent.get(one.message.id)
            if isinstance(error, PermanentError):
                self.count(states.FAILURE)
                self.reject(_rejected(one, f"it cannot be put off: {error}", ErrorInfo.of(error)))
            elif error:
                self.keep(one)

    def _send_and_write(self, ends: Sequence[Ended]) -> None:
        """Send the messages of next turns; write what is to be written after that."""
        unsent = self._send_again([end.again for _, end in ends if end.again])
        last: list[tuple[Attempt, End, Finish]] = []
        for attempt, end in ends:
            error = unsent.get(attempt.delivery.message.id) if end.again else None
            final = self._unsent(attempt, error) if error else end
            if final and final.finish:
                last.append((attempt, final, final.finish))
        for (attempt, end, _), finished in zip(last, self._finish(last), strict=True):
            self._finished(attempt, end, finished)

    def _send_again(self, messages: Sequence[SendAgain]) -> Mapping[str, SendError]:
        if not messages:
            return {}
        return self._worker.sender.send_again(messages, self._worker.now_ms())

    def _unsent(self, attempt: Attempt, error: SendError) -> End | None:
        """Return the end of a task whose next turn is refused for good; else let it come back."""
        delivery = attempt.delivery
        extra = {"task_id": delivery.message.id}
        self._log.error("a retry was not sent: %s", error, extra=extra)
        if not isinstance(error, PermanentError):
            self._give_back_unsent(attempt, error)
            return None
        end = outcome.refused(attempt, error, self._worker.now_ms())
        unsent = self.reject_attempt(attempt, end.dead_letter_reason or "", end.error)
        if unsent:
            self._give_back_unsent(attempt, unsent)
            return None
        self.count(end.status)
        return end

    def _give_back_unsent(self, attempt: Attempt, error: SendError) -> None:
        """Return a task of which a message was not sent; if for good, its lease bounds the runs."""
        if isinstance(error, PermanentError):
            self.keep(attempt.delivery)
        else:
            self.give_back(attempt, claim_backoff_seconds(attempt.delivery.receive_count))

    def count(self, status: str) -> None:
        """Count a task that has ended in that state."""
        with self._changing:
            self.statuses[status] += 1

    def _finish(self, ends: Sequence[tuple[Attempt, End, Finish]]) -> Sequence[Finished]:
        """Write ends, and return what became of each."""
        if not ends:
            return []
        try:
            return self._worker.store.finish([finish for _, _, finish in ends])
        except StoreError as error:
            self._log.error("the ends of %d tasks were not written: %s", len(ends), error)
            refused = isinstance(error, PermanentError)
            return [Finished.REFUSED if refused else Finished.FAILED] * len(ends)

    def _finished(self, attempt: Attempt, end: End, finished: Finished) -> None:
        """Do what follows from an end that is written; let the task of another come back."""
        if finished is Finished.WRITTEN:
            if end.status in states.FINISHED and not end.again:
                self.follow_up(attempt.delivery, end.status, end)
            return
        extra = {"task_id": attempt.delivery.message.id}
        text = "the end of attempt %d is not written: %s"
        self._log.warning(text, attempt.number, finished.value, extra=extra)
        if finished is Finished.FAILED:
            self.give_back(attempt, _wait_seconds(attempt, end, self._worker.now_ms()))
        else:
            self.keep(attempt.delivery)

    def follow_up(self, delivery: Delivery, status: str, end: End | None = None) -> None:
        """Do what follows from an end that is written; its message comes back if that fails."""
        try:
            self._worker.execution.follow_up(delivery, status, end)
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


def _wait_seconds(attempt: Attempt, end: End, now_ms: int) -> float:
    """Return for how long a task waits whose end could not be written, though all of it is sent.

    Its next turn goes first, which takes the task over, and so does the burial of its dead letter.
    A task that is to run in more than 15 minutes runs again sooner: its record must outlive that.
    """
    if end.dead_letter_reason is not None:
        return MAX_CLAIM_BACKOFF_SECONDS
    due_seconds = ((end.again.message.eta_ms or 0) - now_ms) / 1000 if end.again else 0
    backoff_seconds = claim_backoff_seconds(attempt.delivery.receive_count)
    return min(max(due_seconds, 0), MAX_DELAY_SECONDS) + backoff_seconds


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
