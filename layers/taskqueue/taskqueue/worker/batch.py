"""One batch of messages, from its event to the ids of the messages that must come back.

    delivery ──> claim ──> execution ──> outcome ──> acknowledgement

All messages are claimed by one request. `async def` tasks run together, then the others one after
the other, last the one over which workers have died.
"""

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import GiveBack, LoopGivenUp, OutOfTime, PoisonMessage, SendError
from taskqueue.records import states
from taskqueue.records.lease import (
    AlreadyFinished,
    Behind,
    Claimed,
    HeldByOther,
    Leased,
    NotClaimed,
    RecordGone,
    Replacing,
    Superseded,
)
from taskqueue.worker.acknowledgement import Acknowledgement, hidden_seconds
from taskqueue.worker.claims import Claims, claim_backoff_seconds, claim_due
from taskqueue.worker.delivery import Delivery, read
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt
from taskqueue.worker.time_limits import Stop, hard_limit_seconds, stopped_by_signal

if TYPE_CHECKING:
    from taskqueue.worker.worker import Worker

# So many workers may die over one task before it becomes a dead letter.
MAX_LOST_ATTEMPTS = 5
# What the worker keeps of its time to settle the batch.
RESERVED_MS = 1_000
# The messages of a worker that dies come back so long after the time it had.
AFTER_DEADLINE_MS = 5_000
# A message that an earlier worker's lease holds up comes back so long after it: clocks differ.
AFTER_LEASE_MS = 1_000
# A message whose task is being replaced comes back so long after its first delivery, and later with
# each one.
REPLACING_MS = 1_000
# The loop's own timers stop a task first; a loop that is blocked is stopped by a signal after that.
BLOCKED_LOOP_SECONDS = 0.2


class Batch:
    """The messages of one event, while they are worked on. `worker` is the process's."""

    def __init__(self, worker: "Worker", deadline_ms: int) -> None:
        self._worker = worker
        self._deadline_ms = deadline_ms
        self._acknowledgement = Acknowledgement(worker)
        self._has_begun = False
        self._unended: dict[str, Attempt] = {}
        self._blocks: Sequence[Stop] = ()
        self._is_loop_ended = False

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many tasks ended in which state."""
        return self._acknowledgement.statuses

    def run(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Run the tasks of these records; return the ids of the messages that must come back.

        https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
        """
        try:
            self._hide(records)
            deliveries = self._read(records)
            claims = claim_due(
                self._worker.store, deliveries, self._deadline_ms, self._worker.now_ms()
            )
            early = [one for one in deliveries if one.is_early(claims.claimed_at_ms)]
            self._acknowledgement.put_off(early)
            due = [one for one in deliveries if not one.is_early(claims.claimed_at_ms)]
            due.sort(key=claims.order)
            self._run_all(self._take_all(due, claims), claims.suspect)
        finally:
            self._acknowledgement.settle()
        return sorted(self._acknowledgement.kept)

    def _hide(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Let the messages come back soon after this worker's time, should it die.

        The queue's own visibility timeout is six times as long, as AWS advises for batches that
        Lambda throttles.
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
        """
        left_ms = self._deadline_ms + AFTER_DEADLINE_MS - self._worker.now_ms()
        seconds = hidden_seconds(left_ms)
        try:
            self._worker.visibility.change({one["receiptHandle"]: seconds for one in records})
        except SendError as error:
            self._worker.logger.warning("the visibility timeout stays the queue's: %s", error)

    def _read(self, records: Sequence[Mapping[str, Any]]) -> list[Delivery]:
        queue = self._worker.visibility.queue.name
        deliveries = []
        # SQS may deliver one message twice into the same batch.
        for record in {one["messageId"]: one for one in records}.values():
            try:
                deliveries.append(read(record, self._worker.app, queue))
            except PoisonMessage as error:
                self._acknowledgement.count(states.FAILURE)
                self._acknowledgement.reject(
                    RejectedMessage(
                        queue,
                        record["messageId"],
                        record["body"],
                        error.reason,
                        error.task_id,
                        error.task,
                    )
                )
        return deliveries

    def _take_all(self, deliveries: Sequence[Delivery], claims: Claims) -> list[Attempt]:
        """Return the attempts to run, in their order."""
        attempts = []
        for delivery in deliveries:
            with self._acknowledgement.kept_on_error(delivery):
                attempt = self._take(delivery, claims)
                if attempt:
                    attempts.append(attempt)
        return attempts

    def _take(self, delivery: Delivery, claims: Claims) -> Attempt | None:
        """Return the attempt to run, or say when the message comes back, if it does."""
        if not delivery.is_recorded:
            return Attempt(delivery, number=0, retries=0)
        task_id, log = delivery.message.id, self._worker.logger
        match claims.of(delivery):
            case Claimed(number, retries, lost, publish):
                attempt = Attempt(delivery.of_publish(publish), number, retries)
                return self._claimed(attempt, lost, claims.suspect)
            case Leased(until_ms):
                self._acknowledgement.keep(delivery, until_ms + AFTER_LEASE_MS)
            case Replacing(until_ms):
                soon_ms = self._worker.now_ms() + REPLACING_MS * delivery.receive_count
                self._acknowledgement.keep(delivery, min(soon_ms, until_ms + AFTER_LEASE_MS))
            case NotClaimed(reason):
                log.warning("not claimed: %s", reason, extra={"task_id": task_id})
                wait_ms = round(claim_backoff_seconds(delivery.receive_count) * 1000)
                self._acknowledgement.keep(delivery, self._worker.now_ms() + wait_ms)
            case AlreadyFinished(states.REVOKED) if delivery.message.part:
                # Burial tells its group, which waits for it.
                self._acknowledgement.reject_attempt(Attempt(delivery, 0, 0), "revoked")
            case AlreadyFinished(status, publish):
                log.info("duplicate of a task that is %s", status, extra={"task_id": task_id})
                ended = delivery.of_publish(publish)
                self._acknowledgement.follow_up(ended, status)
            case Behind(due_at_ms):
                log.info("another publish of the task goes first", extra={"task_id": task_id})
                self._acknowledgement.put_off_behind(delivery, due_at_ms)
            case RecordGone():
                log.info("duplicate of a task that ended long ago", extra={"task_id": task_id})
            case Superseded():
                log.info("duplicate of an earlier turn", extra={"task_id": task_id})
            case None if claims.is_holder(delivery):
                self._acknowledgement.keep(delivery)
            case HeldByOther() | None:
                log.info("duplicate of another message", extra={"task_id": task_id})
        return None

    def _claimed(self, attempt: Attempt, lost: int, suspect: str | None) -> Attempt | None:
        """Return a task that is claimed, unless workers have died over it, and others go first."""
        if lost == 0:
            return attempt
        if attempt.delivery.message_id == suspect:
            return self._suspect(attempt, lost)
        self._give_back(attempt)
        return None

    def _suspect(self, attempt: Attempt, lost: int) -> Attempt | None:
        """Return a task over which workers have died, unless they were too many."""
        if lost < MAX_LOST_ATTEMPTS:
            return attempt
        self._acknowledgement.count(states.FAILURE)
        self._acknowledgement.reject_attempt(attempt, f"its worker died {lost} times")
        return None

    def _run_all(self, attempts: Sequence[Attempt], suspect: str | None) -> None:
        suspects = [one for one in attempts if one.delivery.message_id == suspect]
        others = [one for one in attempts if one.delivery.message_id != suspect]
        self._run_each(others)
        if suspects:
            # If this one kills the worker, too, the others have ended.
            self._acknowledgement.settle()
            self._run_each(suspects)

    def _run_each(self, attempts: Sequence[Attempt]) -> None:
        together = [one for one in attempts if one.delivery.task.is_async]
        if together:
            self._run_together(together)
        for attempt in attempts:
            if not attempt.delivery.task.is_async:
                with self._acknowledgement.kept_on_error(attempt.delivery):
                    self._run(attempt)

    def _run(self, attempt: Attempt) -> None:
        """Wait until a task is due, and run it if there is time left."""
        # Even a sleep of no time takes 50 microseconds.
        if seconds := self._seconds_until_due(attempt):
            self._worker.sleep(seconds)
        left_seconds, is_first = self._left_seconds(), not self._has_begun
        if not _fits(attempt, left_seconds, is_first=is_first):
            self._give_back(attempt)
            return
        self._has_begun = True
        try:
            end = self._worker.execution.run(attempt, left_seconds)
        except OutOfTime as error:
            if not is_first:
                self._give_back(attempt)
                return
            end = self._worker.execution.out_of_time(attempt, error)
        except GiveBack as error:
            self._give_back_later(attempt, error)
            return
        self._acknowledgement.end(attempt, end)

    def _run_together(self, attempts: Sequence[Attempt]) -> None:
        """Run `async def` tasks on one loop; what has not ended with the time is given back."""
        self._unended = {attempt.delivery.message_id: attempt for attempt in attempts}
        if (left_seconds := self._left_seconds()) > 0:
            is_first, self._has_begun = not self._has_begun, True
            self._run_loop(
                [self._run_async(attempt, is_first=is_first) for attempt in attempts],
                Stop(left_seconds + BLOCKED_LOOP_SECONDS, OutOfTime("the worker's time was over")),
            )
        for attempt in list(self._unended.values()):
            self._give_back(attempt)

    def _run_loop(self, coroutines: Sequence[Coroutine[Any, Any, None]], blocked: Stop) -> None:
        """Run coroutines together; `blocked` stops what keeps the loop from its own timers."""
        loop = self._worker.event_loop
        with suppress(OutOfTime), stopped_by_signal([blocked]) as self._blocks:
            try:
                loop.run_together(coroutines)
            except OutOfTime:
                loop.throw_away()
            except SystemExit as error:
                # Of something that a task has begun beside itself: nobody knows whose it is. The
                # tasks wait out their leases, and are then run as those of a worker that died.
                self._worker.logger.error("the event loop was ended", extra=error_fields(error))
                for attempt in self._unended.values():
                    self._acknowledgement.keep(attempt.delivery)
                self._unended, self._is_loop_ended = {}, True
                loop.throw_away()
            except KeyboardInterrupt:
                self._is_loop_ended = True
                loop.throw_away()
                raise

    async def _run_async(self, attempt: Attempt, *, is_first: bool) -> None:
        """Run one of those that run together; one that is out of time stays unended."""
        delivery = attempt.delivery
        with self._acknowledgement.kept_on_error(delivery):
            if seconds := self._seconds_until_due(attempt):
                await self._worker.sleep_async(seconds)
            left_seconds = self._left_seconds()
            if not _fits(attempt, left_seconds, is_first=is_first):
                return
            try:
                end = await self._worker.execution.run_async(attempt, left_seconds, self._is_over)
            except OutOfTime as error:
                # Of those that end with a blocked loop, only the one that blocks it is to blame.
                if not is_first or isinstance(error, LoopGivenUp):
                    return
                end = self._worker.execution.out_of_time(attempt, error)
            except GiveBack as error:
                self._give_back_later(attempt, error)
                return
            self._acknowledgement.end(attempt, end)
            self._unended.pop(delivery.message_id, None)

    def _is_over(self) -> bool:
        """Whether the event loop has been given up, with all that runs on it."""
        return self._is_loop_ended or bool(self._blocks)

    def _give_back(self, attempt: Attempt, after_seconds: float = 0) -> None:
        """Return a task to the queue, unfinished: no time is left for it, or another goes first."""
        self._unended.pop(attempt.delivery.message_id, None)
        self._acknowledgement.give_back(attempt, after_seconds)

    def _give_back_later(self, attempt: Attempt, error: GiveBack) -> None:
        """Return a task that could not be run, since what the worker needs for it is throttled."""
        extra = {"task_id": attempt.delivery.message.id}
        self._worker.logger.warning("given back: %s", error, extra=extra)
        self._give_back(attempt, claim_backoff_seconds(attempt.delivery.receive_count))

    def _seconds_until_due(self, attempt: Attempt) -> float:
        return max(0, attempt.delivery.due_at_ms - self._worker.now_ms()) / 1000

    def _left_seconds(self) -> float:
        return (self._deadline_ms - RESERVED_MS - self._worker.now_ms()) / 1000


def _fits(attempt: Attempt, left_seconds: float, *, is_first: bool) -> bool:
    """Whether a task may begin: if its own limit is not over by then, or it is the first."""
    limit = hard_limit_seconds(attempt.delivery.task.options, attempt.delivery.message)
    return left_seconds > 0 and (is_first or limit is None or limit <= left_seconds)
