"""Runs one attempt at a task: the function, its time limits, its hooks. Returns how it ended."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskqueue.context import CONTINUED, DEFERRED, Context
from taskqueue.errors import GiveBack, MessageTooLarge, OutOfTime, TimeLimitExceeded
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.sending.call import MAX_DEPTH, Parent
from taskqueue.sending.client import TaskClient, using
from taskqueue.worker import outcome
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.time_limits import Stop, stopped_by_signal, stops_of

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender

# What is not the task's: it ends the process, the batch, or this run of the task.
NOT_OF_THE_TASK = (KeyboardInterrupt, OutOfTime, GiveBack)


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
        """
        context = self._context(attempt, left_seconds)
        with self._running(attempt):
            if end := self._expired(attempt):
                return end
            started_ms = self.now_ms()
            try:
                with stopped_by_signal(self._stops(attempt, left_seconds)):
                    value = self._call(attempt, context)
            except NOT_OF_THE_TASK:
                raise
            except BaseException as error:  # noqa: BLE001 - a task may raise anything
                end = self._failed(attempt, context, error)
            else:
                end = self._returned(attempt, context, value)
            return self._logged(end, started_ms)

    async def run_async(
        self, attempt: Attempt, left_seconds: float, is_over: Callable[[], bool]
    ) -> End:
        """Run an `async def` to its end. `is_over`: whether its whole loop has been given up.

        Raises:
            OutOfTime: the worker's time was over first.
        """
        from taskqueue.worker.event_loop import stopped_by_timers

        context = self._context(attempt, left_seconds)
        with self._running(attempt):
            if end := self._expired(attempt):
                return end
            started_ms = self.now_ms()
            try:
                stops = self._stops(attempt, left_seconds)
                value = await stopped_by_timers(self._call(attempt, context), stops)
            except NOT_OF_THE_TASK:
                raise
            except BaseException as error:
                if is_over():
                    raise
                end = self._failed(attempt, context, error)
            else:
                end = self._returned(attempt, context, value)
            return self._logged(end, started_ms)

    def out_of_time(self, attempt: Attempt, error: OutOfTime) -> End:
        """Return the end of a task that had all the time of a worker, and needs more."""
        with self._running(attempt):
            limit = TimeLimitExceeded(f"the task ran until {error}")
            return self._failed(attempt, self._context(attempt, left_seconds=0), limit)

    def _call(self, attempt: Attempt, context: Context) -> Any:
        """Call the function; an `async def` returns a coroutine."""
        task, message = attempt.delivery.task, attempt.delivery.message
        if task.options.before_start:
            task.options.before_start(context)
        bound = (context,) if task.options.bind else ()
        return task.run(*bound, *message.args, **message.kwargs)

    def _returned(self, attempt: Attempt, context: Context, value: Any) -> End:
        if value is DEFERRED:
            return self._deferred(attempt, context)
        if value is CONTINUED:
            return self._continued(attempt, context)
        try:
            end = outcome.succeeded(attempt, value, self.now_ms())
        except (TypeError, ValueError, RecursionError) as error:
            # Another try would have the same result, and do again what the task has done.
            end = outcome.failed_for_good(attempt, error, self.now_ms())
            return self._told(attempt, context, end, error)
        self._tell(attempt.delivery.task.options.on_success, context, value)
        return end

    def _deferred(self, attempt: Attempt, context: Context) -> End:
        if context.has_planned:
            return End(states.PROGRESS, finish=None)
        error = RuntimeError("a task that returns DEFERRED must have planned its parts")
        return self._told(
            attempt, context, outcome.failed_for_good(attempt, error, self.now_ms()), error
        )

    def _continued(self, attempt: Attempt, context: Context) -> End:
        try:
            return outcome.continued(attempt, self.now_ms())
        except MessageTooLarge as error:
            end = outcome.failed_for_good(attempt, error, self.now_ms())
            return self._told(attempt, context, end, error)

    def _failed(self, attempt: Attempt, context: Context, error: BaseException) -> End:
        try:
            end = outcome.failed(attempt, error, self.now_ms())
        except Exception as unforeseen:  # noqa: BLE001 - another try would meet it again
            error = unforeseen
            end = outcome.failed_for_good(attempt, error, self.now_ms())
        return self._told(attempt, context, end, error)

    def _told(self, attempt: Attempt, context: Context, end: End, error: BaseException) -> End:
        """Tell the log, the observer and the task's hook what an attempt raised."""
        options = attempt.delivery.task.options
        cause = end.cause or error
        if self.raised:
            self.raised(attempt.delivery.message, cause)
        if isinstance(cause, options.throws):
            self.log.info("raised", extra={"error": type(cause).__name__})
        else:
            self.log.warning("raised", extra=error_fields(cause, raised=error))
        hook = options.on_retry if end.status == states.RETRY else options.on_failure
        self._tell(hook, context, cause)
        return end

    def _tell(self, hook: Callable[[Context, Any], None] | None, context: Context, of: Any) -> None:
        """Call a hook. The task has ended: what its hook raises changes nothing of that."""
        if hook is None:
            return
        try:
            hook(context, of)
        except NOT_OF_THE_TASK:
            raise
        except BaseException as error:  # noqa: BLE001 - a hook may raise anything
            self.log.error("a hook of the task failed", extra=error_fields(error))

    def _expired(self, attempt: Attempt) -> End | None:
        if not attempt.delivery.has_expired(self.now_ms()):
            return None
        self.log.warning("expired before it was run")
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
