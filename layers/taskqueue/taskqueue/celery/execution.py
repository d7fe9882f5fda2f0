"""Who calls Celery's tracer: this worker, after its claim and within its time limits."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from celery.exceptions import (
    NotRegistered,
    Reject,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    WorkerLostError,
)

from taskqueue import errors
from taskqueue.celery import run_outcome
from taskqueue.celery.chords import HeaderPart, parts_of
from taskqueue.celery.control import stamps
from taskqueue.celery.current import CeleryRun, celery_s_turn, running
from taskqueue.celery.errbacks import failure_of, recorded_failure
from taskqueue.celery.prepared import PreparedApp
from taskqueue.celery.request import Request, request_of
from taskqueue.celery.telling import EXPIRED, Telling
from taskqueue.errors import GiveBack, OutOfTime, StoreError
from taskqueue.options import TaskOptions
from taskqueue.records import states
from taskqueue.records.publishes import first_turn, number_of_turn
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.execution import NOT_OF_THE_TASK, Execution
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.outcome import Attempt, End
from taskqueue.worker.time_limits import Stop, stopped_by_signal, stops_of

# What `Task.on_replace` raises, by which the tracer ends a task that another replaces.
_REPLACED = ("Replaced by new task",)


@dataclass(frozen=True, slots=True)
class CeleryExecution(Execution):
    """How the tasks of a Celery app are run in this process."""

    prepared: PreparedApp = field(kw_only=True)

    def run(self, attempt: Attempt, left_seconds: float) -> End:
        """Run a task by Celery's tracer.

        Raises:
            OutOfTime: the worker's time was over first.
            GiveBack: what the worker needs for it was throttled.
        """
        run, request = self._run(attempt), self._request(attempt)
        with self._running(attempt), running(run):
            started_ms = self.now_ms()
            if refusal := self.prepared.refusal(request):
                return self._refused(run, request, refusal)
            if reason := self._revocation(attempt, request, started_ms):
                self.log.warning("%s before it was run", reason)
                return self._revoked(run, request, reason)
            self._telling.received(request)
            try:
                with stopped_by_signal(self._stops(attempt, left_seconds)):
                    traced = self.prepared.trace(request)
            except NOT_OF_THE_TASK:
                raise
            except BaseException as error:  # noqa: BLE001 - a task may raise anything
                end = self._raised(run, request, error)
            else:
                end = self._traced(run, request, traced)
            return self._logged(end, started_ms)

    def follow_up(self, delivery: Delivery, status: str, end: End | None = None) -> None:
        """Tell chords of the end of their parts, and errbacks; the tracer has sent the rest."""
        if not delivery.message.embed or status == states.IGNORED:
            return
        request = request_of(delivery, self.prepared.hostname)
        publish = number_of_turn(delivery.message.turn)
        parts = parts_of(request.fields, publish, has_failed=status != states.SUCCESS)
        self._end_parts(delivery, request, parts)
        if status == states.FAILURE and request.fields["errbacks"]:
            self._tell_errbacks(delivery, request, end)

    def out_of_time(self, attempt: Attempt, error: OutOfTime) -> End:
        """Return the end of a task that had all the time of a worker, and needs more."""
        run, request = self._run(attempt), self._request(attempt)
        with self._running(attempt), running(run):
            limit = TimeLimitExceeded(f"it ran until {error}")
            return self._ended_from_outside(run, request, limit)

    def _end_parts(self, delivery: Delivery, request: Request, parts: Sequence[HeaderPart]) -> None:
        """Tell chords of their parts; what follows has ids derived from the chord's."""
        left = deque(parts)
        while left:
            part = left.popleft()
            turn = first_turn(part.publish)
            message = replace(delivery.message, id=part.group_id, task="celery.chord", turn=turn)
            with self._following(delivery._replace(message=message), request):
                left.extend(self.prepared.chords.end(part))

    def _tell_errbacks(self, delivery: Delivery, request: Request, end: End | None) -> None:
        """Tell errbacks of a failure; what is sent has ids derived from the task's."""
        if end:
            failure = failure_of(delivery, end)
        else:
            failure = recorded_failure(delivery, self.store, self.prepared)
        if failure is None:
            return
        # Not the task's own id: a child that it has sent itself is not one of its errbacks.
        message = replace(delivery.message, id=f"{request.id}.errbacks", turn=failure.turn)
        after = delivery._replace(message=message)
        with self._running(Attempt(after, 0, 0)), self._following(after, request):
            self._telling.errbacks(request, failure)

    @contextmanager
    def _following(self, delivery: Delivery, request: Request) -> Iterator[None]:
        """Let what is sent within the body follow a task; its ids derive from the delivery's."""
        run = self._run(Attempt(delivery, 0, 0))
        with running(run), celery_s_turn(), self.prepared.as_parent(request):
            try:
                yield
            except GiveBack as error:
                raise StoreError(str(error)) from error

    def _traced(self, run: CeleryRun, request: Request, traced: Any) -> End:
        """Return the end of a task whose tracer has returned."""
        info, now_ms = traced.info, self.now_ms()
        if info is None:
            return run_outcome.ended(
                run, states.SUCCESS, self._meta(run, request, states.SUCCESS), now_ms
            )
        error = info.retval
        match info.state:
            case states.FAILURE:
                return self._failure(run, request, error)
            case states.RETRY:
                meta = self._meta(run, request, states.RETRY, error.exc)
                self._log_raised(request, error.exc or error)
                return run_outcome.ended(run, states.RETRY, meta, now_ms, error=error.exc or error)
            case states.IGNORED:
                return self._ignored(run, request, error)
            case _:
                return self._rejected(run, request, error)

    def _raised(self, run: CeleryRun, request: Request, error: BaseException) -> End:
        """Return the end of a task whose tracer has not come to its end."""
        match error:
            case Reject():
                return self._rejected(run, request, error)
            case Exception() if run.stored and run.stored.state == states.FAILURE:
                # A hook's error, which the tracer has stored and logged.
                return self._failure(run, request, error)
            case errors.TimeLimitExceeded():
                limit = self._options(run.attempt).time_limit_seconds
                return self._ended_from_outside(run, request, TimeLimitExceeded(limit))
            case _:
                lost = WorkerLostError(f"Worker exited prematurely: {type(error).__name__}.")
                return self._ended_from_outside(run, request, lost)

    def _ended_from_outside(self, run: CeleryRun, request: Request, error: Exception) -> End:
        self._telling.failed(request, error)
        return self._failure(run, request, error)

    def _failure(self, run: CeleryRun, request: Request, error: Exception) -> End:
        if self.raised:
            self.raised(run.message, error)
        self._log_raised(request, error)
        return run_outcome.ended(
            run,
            states.FAILURE,
            self._meta(run, request, states.FAILURE, error),
            self.now_ms(),
            error=error,
            dead_letter_reason=run_outcome.exhausted_reason(
                run, self.prepared.task(request).max_retries, error
            ),
        )

    def _log_raised(self, request: Request, error: BaseException) -> None:
        if isinstance(error, tuple(self.prepared.task(request).throws or ())):
            self.log.info("raised", extra={"error": type(error).__name__})
        else:
            self.log.warning("raised", extra=error_fields(error))

    def _revocation(self, attempt: Attempt, request: Request, now_ms: int) -> str | None:
        """Return why a task is not to be run, if it is not."""
        if attempt.delivery.has_expired(now_ms):
            return EXPIRED
        keys = stamps.keys_of(stamps.stamps_of(request.fields))
        try:
            is_revoked = bool(keys) and any(self.prepared.backend.mget(keys))
        except StoreError as error:
            raise GiveBack(str(error)) from error
        return "revoked by its stamp" if is_revoked else None

    def _revoked(self, run: CeleryRun, request: Request, reason: str) -> End:
        self._telling.revoked(request, reason)
        return run_outcome.ended(
            run, states.REVOKED, self._meta(run, request, states.REVOKED), self.now_ms()
        )

    def _rejected(self, run: CeleryRun, request: Request, error: Any) -> End:
        now_ms = self.now_ms()
        if error.requeue:
            run.again = run_outcome.requeued(run, now_ms)
            return run_outcome.ended(run, states.RETRY, self._standing(run, request), now_ms)
        return self._dead_letter(run, request, error, f"rejected by the task: {error.reason}")

    def _refused(self, run: CeleryRun, request: Request, error: Exception) -> End:
        """Return the end of a task that no worker of this app can run."""
        if isinstance(error, NotRegistered):
            reason = f"the app has no task {run.message.task[:100]!r}"
        else:
            reason = str(error)
        return self._dead_letter(run, request, error, reason)

    def _dead_letter(self, run: CeleryRun, request: Request, error: Exception, reason: str) -> End:
        self._telling.refused(request, error)
        meta, now_ms = self._meta(run, request, states.FAILURE, error), self.now_ms()
        return run_outcome.ended(
            run, states.FAILURE, meta, now_ms, error=error, dead_letter_reason=reason
        )

    def _ignored(self, run: CeleryRun, request: Request, error: BaseException) -> End:
        meta, now_ms = self._standing(run, request), self.now_ms()
        if error.args == _REPLACED:
            return run_outcome.replaced(run, meta, now_ms)
        is_end = run.stored is not None and run.stored.state in states.FINISHED
        status = run.stored.state if run.stored and is_end else states.IGNORED
        return run_outcome.ended(run, status, meta, now_ms)

    def _meta(
        self, run: CeleryRun, request: Request, state: str, error: BaseException | None = None
    ) -> bytes:
        """Return the meta that the tracer has stored, or one of a task that stores no result."""
        if run.stored and run.stored.state == state:
            return run.stored.meta
        backend = self.prepared.backend
        result = backend.encode_result(error, state)
        return backend.meta(state, result, request.context())

    def _standing(self, run: CeleryRun, request: Request) -> bytes:
        """Return the meta of a task that says nothing of its result: what it last said."""
        if run.stored:
            return run.stored.meta
        return self.prepared.backend.meta(states.PENDING, None, request.context())

    def _stops(self, attempt: Attempt, left_seconds: float) -> Sequence[Stop]:
        message = attempt.delivery.message
        without = replace(message, time_limit_seconds=None, soft_time_limit_seconds=None)
        stops = stops_of(self._options(attempt), without, left_seconds)
        return [_celery_s(stop) for stop in stops]

    def _options(self, attempt: Attempt) -> TaskOptions:
        """Return the task's time limits; the caller's count before them, as in Celery."""
        message, options = attempt.delivery.message, attempt.delivery.task.options
        return options._replace(
            soft_time_limit_seconds=message.soft_time_limit_seconds
            or options.soft_time_limit_seconds,
            time_limit_seconds=message.time_limit_seconds or options.time_limit_seconds,
        )

    def _run(self, attempt: Attempt) -> CeleryRun:
        return CeleryRun(attempt, self.store, self.sender, self.now_ms, self.max_depth)

    def _request(self, attempt: Attempt) -> Request:
        return request_of(attempt.delivery, self.prepared.hostname)

    @property
    def _telling(self) -> Telling:
        return Telling(self.prepared, self.log)


def _celery_s(stop: Stop) -> Stop:
    """Return a stop whose error is Celery's, which tasks catch."""
    if isinstance(stop.error, errors.SoftTimeLimitExceeded):
        return Stop(stop.after_seconds, SoftTimeLimitExceeded())
    return stop
