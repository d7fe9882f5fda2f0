"""The worker: runs the tasks of one SQS batch.

All messages of the batch are claimed by one request, run one after the other, and their ends are
written together. A message is acknowledged once its end is written; every other is reported in
`batchItemFailures` and comes back.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

Powertools' batch utility does less and imports more: its data classes of every event and asyncio,
30 to 40 ms of a consumer's cold start (`make bench`).
"""

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from taskqueue import clock
from taskqueue.context import DEFERRED, Context
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.dead_letters.sender import DeadLetterSender
from taskqueue.errors import PoisonMessage, StoreError
from taskqueue.records import states
from taskqueue.records.claim import (
    AlreadyFinished,
    Claim,
    Claimed,
    ClaimOutcome,
    Leased,
    NotClaimed,
)
from taskqueue.records.store import TaskStore
from taskqueue.worker import outcome
from taskqueue.worker.delivery import Delivery, read
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.settlement import Settlement
from taskqueue.worker.time_limit import time_limit
from taskqueue.worker.visibility import Visibility

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from taskqueue.app import App
    from taskqueue.sending.sender import Sender

# So many workers may die over one task before it becomes a dead letter.
MAX_LOST_ATTEMPTS = 5
# What the worker keeps of its time to settle the batch.
RESERVED_MS = 1_000
# The wait before the batch is claimed again when the store throttles.
MAX_CLAIM_BACKOFF_SECONDS = 60

_METRICS = {
    states.SUCCESS: "TasksSucceeded",
    states.FAILURE: "TasksFailed",
    states.RETRY: "TasksRetried",
    states.REVOKED: "TasksExpired",
    states.PROGRESS: "TasksDeferred",
}


class Worker:
    """Runs the tasks of `app` of one queue; one for the life of the Lambda."""

    def __init__(
        self,
        app: "App",
        store: TaskStore,
        sender: "Sender",
        visibility: Visibility,
        dead_letters: DeadLetterSender,
        logger: "Logger",
        metrics: "Metrics",
        now_ms: Callable[[], int] = clock.now_ms,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._app = app
        self._store = store
        self._sender = sender
        self._visibility = visibility
        self._dead_letters = dead_letters
        self._log = logger
        self._metrics = metrics
        self._now_ms = now_ms
        self._sleep = sleep

    def handle(
        self, event: Mapping[str, Any], context: "LambdaContext"
    ) -> "PartialItemFailureResponse":
        """Run one event of the queue and report which messages must come back."""
        self._deadline_ms = self._now_ms() + context.get_remaining_time_in_millis()
        self._settlement = Settlement(self._store, self._visibility, self._dead_letters, self._log)
        try:
            for record in self._prepare(event["Records"]):
                self._deliver_or_keep(record)
        finally:
            self._settlement.settle()
        self._count()
        kept = sorted(self._settlement.kept)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}

    def _prepare(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Read and claim the whole batch; return it in the order in which to run it."""
        self._deliveries = self._read(records)
        # One time decides for the whole batch what is early: a task that falls due while others
        # run has not been claimed, and must come back.
        self._claimed_at_ms = self._now_ms()
        self._outcomes = self._claim(self._claimed_at_ms)
        self._suspect = least_suspect(self._outcomes or {})
        return sorted(records, key=self._order)

    def _read(self, records: list[dict[str, Any]]) -> dict[str, Delivery]:
        queue = self._visibility.queue.name
        deliveries = {}
        for record in records:
            message_id = record["messageId"]
            try:
                deliveries[message_id] = read(record, self._app, queue)
            except PoisonMessage as error:
                self._settlement.statuses[states.FAILURE] += 1
                self._settlement.reject(
                    RejectedMessage(
                        queue, message_id, record["body"], error.reason, error.task_id, error.task
                    )
                )
        return deliveries

    def _claim(self, now_ms: int) -> dict[str, ClaimOutcome] | None:
        """Claim, in one request, each task that is due; return the outcomes by task id.

        None when the store failed: the batch comes back later.
        """
        claims = {
            delivery.message.id: Claim(delivery.message, self._deadline_ms)
            for delivery in self._deliveries.values()
            if not delivery.task.options.idempotent and not delivery.is_early(now_ms)
        }
        if not claims:
            return {}
        try:
            outcomes = self._store.claim(list(claims.values()), now_ms)
        except StoreError as error:
            self._log.warning("%d tasks could not be claimed: %s", len(claims), error)
            return None
        return dict(zip(claims, outcomes, strict=True))

    def _order(self, record: Mapping[str, Any]) -> tuple[bool, bool, int]:
        """Run last what has to wait for its time, and after all that may kill this worker."""
        delivery = self._deliveries.get(record["messageId"])
        if delivery is None:
            return False, False, 0
        task_id = delivery.message.id
        return (
            _lost(self._outcomes or {}, task_id) > 0,
            task_id == self._suspect,
            delivery.due_at_ms,
        )

    def _deliver_or_keep(self, record: Mapping[str, Any]) -> None:
        delivery = self._deliveries.get(record["messageId"])
        if delivery is None:
            return  # refused when it was read
        try:
            self._deliver(delivery)
        except Exception:  # noqa: BLE001 - one message never fails its batch
            self._log.exception("not delivered", extra={"task_id": delivery.message.id})
            self._settlement.kept.add(delivery.message_id)

    def _deliver(self, delivery: Delivery) -> None:
        now_ms = self._now_ms()
        if delivery.is_early(self._claimed_at_ms):
            self._settlement.keep(delivery, (delivery.due_at_ms - now_ms) / 1000)
        elif delivery.task.options.idempotent:
            self._run(Attempt(delivery, number=0, retries=delivery.receive_count - 1))
        else:
            self._take(delivery, now_ms)

    def _take(self, delivery: Delivery, now_ms: int) -> None:
        """Run a task if it is ours. A second copy in the batch finds its outcome used up."""
        task_id = delivery.message.id
        if self._outcomes is None:
            self._settlement.keep(delivery, claim_backoff_seconds(delivery.receive_count))
            return
        match self._outcomes.pop(task_id, None):
            case Claimed(attempt, retries, lost) if lost == 0 or task_id == self._suspect:
                self._run(Attempt(delivery, attempt, retries), lost)
            case Claimed(attempt, retries):
                self._give_back(Attempt(delivery, attempt, retries))
            case Leased(until_ms):
                self._settlement.keep(delivery, (until_ms - now_ms) / 1000 + 1)
            case AlreadyFinished(status):
                self._log.info("duplicate of a task that is %s", status, extra={"task_id": task_id})
            case NotClaimed(reason):
                self._log.warning("not claimed: %s", reason, extra={"task_id": task_id})
                self._settlement.keep(delivery, claim_backoff_seconds(delivery.receive_count))
            case None:
                self._log.info("duplicate within the batch", extra={"task_id": task_id})

    def _run(self, attempt: Attempt, lost: int = 0) -> None:
        delivery = attempt.delivery
        if lost >= MAX_LOST_ATTEMPTS:
            self._settlement.statuses[states.FAILURE] += 1
            self._settlement.reject_delivery(delivery, f"its worker died {lost} times")
            return
        if lost:
            self._settlement.settle()
        self._sleep(max(0, delivery.due_at_ms - self._now_ms()) / 1000)
        if self._left_seconds() <= 0:
            self._give_back(attempt)
            return
        message = delivery.message
        self._log.append_keys(task_id=message.id, task=message.task, attempt=attempt.number)
        try:
            end = self._execute(attempt)
        finally:
            self._log.remove_keys(["task_id", "task", "attempt"])
        self._settlement.end(delivery, end, self._now_ms())

    def _execute(self, attempt: Attempt) -> End:
        started_ms = self._now_ms()
        if attempt.delivery.has_expired(started_ms):
            self._log.warning("expired before it was run")
            return outcome.expired(attempt, started_ms)
        try:
            value = self._call(attempt)
            end = self._returned(attempt, value)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a task may raise anything
            end = outcome.failed(attempt, error, self._now_ms())
            self._log.warning("raised %s", type(error).__name__, exc_info=end.hide_seconds is None)
        milliseconds = self._now_ms() - started_ms
        self._log.info("ended", extra={"status": end.status, "run_ms": milliseconds})
        return end

    def _call(self, attempt: Attempt) -> Any:
        task, message = attempt.delivery.task, attempt.delivery.message
        context = (self._context(attempt),) if task.options.bind else ()
        limits = (task.options.time_limit_seconds, message.time_limit_seconds)
        left_seconds = max(0.001, self._left_seconds())
        with time_limit(min([left_seconds, *(limit for limit in limits if limit)])):
            return task.function(*context, *message.args, **message.kwargs)

    def _returned(self, attempt: Attempt, value: Any) -> End:
        if value is DEFERRED:
            return End(states.PROGRESS, finish=None)
        return outcome.succeeded(attempt, value, self._now_ms())

    def _context(self, attempt: Attempt) -> Context:
        return Context(
            message=attempt.delivery.message,
            attempt=attempt.number,
            retries=attempt.retries,
            store=self._store,
            sender=self._sender,
            now_ms=self._now_ms,
        )

    def _give_back(self, attempt: Attempt) -> None:
        """Return a task to the queue, unrun: no time is left for it, or another goes first."""
        if attempt.number:
            self._store.release(attempt.delivery.message.id, attempt.number)
        self._settlement.keep(attempt.delivery, 0)

    def _left_seconds(self) -> float:
        return (self._deadline_ms - RESERVED_MS - self._now_ms()) / 1000

    def _count(self) -> None:
        for status, number in self._settlement.statuses.items():
            self._metrics.add_metric(name=_METRICS[status], unit=MetricUnit.Count, value=number)
        if self._settlement.statuses:
            self._metrics.flush_metrics()


def least_suspect(outcomes: Mapping[str, ClaimOutcome]) -> str | None:
    """Return the one task that a batch may run of those over which workers have died.

    They all may be bystanders of one that kills its worker. Run one by one, and the least suspect
    first, the bystanders get through.
    """
    suspects = [task_id for task_id in outcomes if _lost(outcomes, task_id)]
    return min(suspects, key=lambda task_id: _lost(outcomes, task_id), default=None)


def _lost(outcomes: Mapping[str, ClaimOutcome], task_id: str) -> int:
    outcome = outcomes.get(task_id)
    return outcome.lost if isinstance(outcome, Claimed) else 0


def claim_backoff_seconds(receive_count: int) -> float:
    """Return the wait before a batch that the store throttled is claimed again: full jitter."""
    return random.uniform(1, min(MAX_CLAIM_BACKOFF_SECONDS, 2.0 ** min(receive_count, 10)))
