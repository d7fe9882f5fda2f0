"""Runs one attempt at a task: the function, its time limits, its hooks. Returns how it ended."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskqueue.context import CONTINUED, DEFERRED, Context
from taskqueue.errors import (
    GiveBack,
    LoopGivenUp,
    MessageTooLarge,
    OutOfTime,
    TimeLimitExceeded,
)
from taskqueue.message import Message
from taskqueue.options import TaskOptions
from taskqueue.records import states
from taskqueue.sending.call import MAX_DEPTH, Parent
from taskqueue.sending.canvas import is_followed, tell_canvas
from taskqueue.sending.client import TaskClient, using
from taskqueue.worker import outcome
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.time_limits import Stop, stopped_by_signal, stops_of

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender
    from taskqueue.worker.delivery import Delivery

# What is not the task's: it ends the process, the batch, or this run of the task.
NOT_OF_THE_TASK = (KeyboardInterrupt, OutOfTime, GiveBack)
# A hook has at least so long, of what the worker keeps to settle the batch.
HOOK_SECONDS = 0.2


@dataclass(slots=True)
class Run:
    """A run of a task.

    `is_on_loop`: it shares an event loop, where a signal stops whatever blocks it, hooks too.
    """

    attempt: Attempt
    context: Context
    started_ms: int
    is_on_loop: bool

    @property
    def options(self) -> TaskOptions:
        """The task's options."""
        return self.attempt.delivery.task.options


@dataclass(frozen=True, slots=True)
class Execution:
    """How tasks are run in this process. `raised` is told what they raise, by their messages."""

    store: "TaskStore"
    sender: "Sender"
    log: "Logger"
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
    max_depth: int = MAX_DEPTH
    raised: Callable[[Message, BaseException], None] | None = None

    def run(self, attempt: Attempt, left_seconds: float) -> End:
        """Run a function to its end.

        Raises:
            OutOfTime: the worker's time was over first.
            GiveBack: what the worker needs for it was throttled.
        """
        if end := self._expired(attempt):
            return end
        run = self._begin(attempt, left_seconds)
        with self._running(attempt):
            try:
                with stopped_by_signal(self._stops(attempt, left_seconds)) as come:
                    value = self._call(run)
            except OutOfTime as error:
                return self._ended_by(run, _limit_of(come) or error)
            except BaseException as error:  # noqa: BLE001 - a task may raise anything
                return self._ended_by(run, error)
            if limit := _limit_of(come):
                return self._ended_by(run, limit)
            return self._returned(run, value)

    async def run_async(
        self, attempt: Attempt, left_seconds: float, is_over: Callable[[], bool]
    ) -> End:
        """Run an `async def` to its end. `is_over`: whether its whole loop has been given up.

        Raises:
            OutOfTime, GiveBack: as `run` does.
        """
        from taskqueue.worker.event_loop import stopped_by_timers

        if end := self._expired(attempt):
            return end
        run = self._begin(attempt, left_seconds, is_on_loop=True)
        with self._running(attempt):
            try:
                stops = self._stops(attempt, left_seconds)
                value = await stopped_by_timers(self._call(run), stops, is_over)
            except BaseException as error:
                if is_over() and not isinstance(error, (*NOT_OF_THE_TASK, TimeLimitExceeded)):
                    raise LoopGivenUp from error
                return self._ended_by(run, error)
            return self._returned(run, value)

    def out_of_time(self, attempt: Attempt, error: OutOfTime) -> End:
        """Return the end of a task that had all the time of a worker, and needs more."""
        run = self._begin(attempt, left_seconds=0)
        with self._running(attempt):
            return self._ended_by(run, TimeLimitExceeded(f"the task ran until {error}"))

    def follow_up(
        self,
        delivery: "Delivery",
        status: str,
        end: End | None = None,  # noqa: ARG002 - a Celery task's errbacks are given its error
    ) -> None:
        """Do what follows from the end of a task in that state; it may be done again.

        `end`: the end itself, where the task has just run here; None where only its record is left.

        Raises:
            SendError, StoreError: it is not known what is done.
        """
        if is_followed(delivery.message, status):
            tell_canvas(self.sender, delivery.message, delivery.body, status, self.now_ms())

    def _begin(self, attempt: Attempt, left_seconds: float, *, is_on_loop: bool = False) -> Run:
        return Run(attempt, self._context(attempt, left_seconds), self.now_ms(), is_on_loop)

    def _call(self, run: Run) -> Any:
        """Call the function; an `async def` returns a coroutine."""
        task, message = run.attempt.delivery.task, run.attempt.delivery.message
        if task.options.before_start:
            task.options.before_start(run.context)
        bound = (run.context,) if task.options.bind else ()
        return task.run(*bound, *message.args, **message.kwargs)

    def _returned(self, run: Run, value: Any) -> End:
        if value is DEFERRED:
            return self._deferred(run)
        if value is CONTINUED:
            return self._continued(run)
        try:
            end = outcome.succeeded(run.attempt, value, self.now_ms())
        except Exception as error:  # noqa: BLE001 - a class of the task's own may raise anything
            # Another try would have the same result, and do again what the task has done.
            return self._failed_for_good(run, error)
        self._tell(run.options.on_success, run, value)
        return self._logged(end, run.started_ms)

    def _deferred(self, run: Run) -> End:
        if run.context.has_planned:
            return self._logged(End(states.PROGRESS, finish=None), run.started_ms)
        error = RuntimeError("a task that returns DEFERRED must have planned its parts")
        return self._failed_for_good(run, error)

    def _continued(self, run: Run) -> End:
        try:
            return self._logged(outcome.continued(run.attempt, self.now_ms()), run.started_ms)
        except MessageTooLarge as error:
            return self._failed_for_good(run, error)

    def _ended_by(self, run: Run, error: BaseException) -> End:
        """Return the end of a run that raised an error; one that is not the task's is raised on."""
        if isinstance(error, NOT_OF_THE_TASK):
            raise error
        try:
            end = outcome.failed(run.attempt, error, self.now_ms())
        except Exception as unforeseen:  # noqa: BLE001 - another try would meet it again
            return self._failed_for_good(run, unforeseen)
        return self._told(run, end, error)

    def _failed_for_good(self, run: Run, error: BaseException) -> End:
        end = outcome.failed_for_good(run.attempt, error, self.now_ms())
        return self._told(run, end, error)

    def _told(self, run: Run, end: End, error: BaseException) -> End:
        """Tell the log, the observer and the task's hook what an attempt raised."""
        cause = end.cause or error
        if self.raised:
            self.raised(run.attempt.delivery.message, cause)
        if isinstance(cause, run.options.throws):
            self.log.info("raised", extra={"error": type(cause).__name__})
        else:
            self.log.warning("raised", extra=error_fields(cause, raised=error))
        is_retry = end.status == states.RETRY
        self._tell(run.options.on_retry if is_retry else run.options.on_failure, run, cause)
        return self._logged(end, run.started_ms)

    def _tell(self, hook: Callable[[Context, Any], None] | None, run: Run, of: Any) -> None:
        """Call a hook. The task has ended: nothing that its hook does changes that."""
        if hook is None:
            return
        try:
            with self._limit_of_hooks(run):
                hook(run.context, of)
        except (KeyboardInterrupt, GiveBack):
            raise
        except BaseException as error:  # noqa: BLE001 - a hook may raise anything
            self.log.error("a hook of the task failed", extra=error_fields(error))

    def _limit_of_hooks(self, run: Run) -> AbstractContextManager[object]:
        if run.is_on_loop:
            return nullcontext()
        left_seconds = (run.context.ends_at_ms - self.now_ms()) / 1000
        stop = Stop(max(left_seconds, HOOK_SECONDS), OutOfTime("the worker's time is over"))
        return stopped_by_signal([stop])

    def _expired(self, attempt: Attempt) -> End | None:
        if not attempt.delivery.has_expired(self.now_ms()):
            return None
        extra = {"task_id": attempt.delivery.message.id, "task": attempt.delivery.message.task}
        self.log.warning("expired before it was run", extra=extra)
        return outcome.expired(attempt, self.now_ms())

    def _logged(self, end: End, started_ms: int) -> End:
        run_ms = self.now_ms() - started_ms
        self.log.info("ended", extra={"status": end.status, "run_ms": run_ms})
        return end

    def _stops(self, attempt: Attempt, left_seconds: float) -> Sequence[Stop]:
        delivery = attempt.delivery
        return stops_of(delivery.task.options, delivery.message, left_seconds)

    def _context(self, attempt: Attempt, left_seconds: float) -> Context:
        return Context(
            message=attempt.delivery.message,
            attempt=attempt.number,
            retries=attempt.retries,
            store=self.store,
            sender=self.sender,
            log=self.log,
            now_ms=self.now_ms,
            ends_at_ms=self.now_ms() + round(left_seconds * 1000),
        )

    @contextmanager
    def _running(self, attempt: Attempt) -> Iterator[None]:
        """Let log lines name the task, and what it sends be its children, while it runs."""
        message = attempt.delivery.message
        parent = Parent(message)
        client = TaskClient(
            self.sender, self.store, self.now_ms, self.sleep, parent, self.max_depth
        )
        keys = {"task_id": message.id, "task": message.task, "attempt": attempt.number}
        self.log.thread_safe_append_keys(**keys)
        try:
            with using(client):
                yield
        finally:
            self.log.thread_safe_remove_keys(keys)


def _limit_of(come: Sequence[Stop]) -> TimeLimitExceeded | None:
    """Return the task's own limit, if it came: also of a task that took no notice of it."""
    errors = (one.error for one in come)
    return next((error for error in errors if isinstance(error, TimeLimitExceeded)), None)
