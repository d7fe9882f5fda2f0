"""The event loop on which `async def` tasks run together; it lives as long as the process.

A connection that a task keeps belongs to the loop on which it was made, so there is one loop for
all batches.
"""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.errors import (
    LoopGivenUp,
    OutOfTime,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
)
from taskqueue.worker.log_fields import error_fields
from taskqueue.worker.time_limits import Stop

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


class EventLoop:
    """Runs coroutines in the thread that calls it."""

    def __init__(self, logger: "Logger") -> None:
        self._log = logger
        self._runner = self._new_runner()

    def run_together(self, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Run all of them, and return when the last has ended.

        Raises:
            BaseException: the loop itself was stopped; it is to be thrown away.
        """
        self._runner.run(_together(coroutines))

    def throw_away(self) -> None:
        """Cancel what still runs; the next coroutines get a new loop."""
        runner, self._runner = self._runner, self._new_runner()
        cancelled = asyncio.all_tasks(runner.get_loop())
        try:
            runner.close()
        except (SystemExit, OutOfTime):
            # What is cancelled may end the loop once more, block it until it is stopped again, or
            # take no notice.
            for task in cancelled:
                if not task.done():
                    _keep_for_good(task)

    def _new_runner(self) -> asyncio.Runner:
        runner = asyncio.Runner()
        runner.get_loop().set_exception_handler(self._log_error)
        return runner

    def _log_error(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Log an error that nobody awaits; asyncio's own line quotes its text, and arguments."""
        error = context.get("exception")
        extra = error_fields(error) if error else {}
        self._log.error("what a task began beside itself has failed", extra=extra)


async def stopped_by_timers[V](
    coroutine: Coroutine[Any, Any, V], stops: Sequence[Stop], is_over: Callable[[], bool]
) -> V:
    """Await a coroutine, and raise each stop's error in it when its time has come.

    Each is a cancellation, too: a `TaskGroup`, say, cancels its tasks only when it is cancelled.
    Where the coroutine takes no notice, it is left as it is once the loop has been given up, which
    `is_over` tells.

    Raises:
        BaseException: what the coroutine raises; if it was out of time, the first of the stops
            that were to end it; its own limit, if it took no notice of that and returned;
            `LoopGivenUp` if they came after the loop was.
    """
    task = _current_task()
    due: list[BaseException] = []
    ends: list[BaseException] = []
    loop = asyncio.get_running_loop()

    def stop(error: BaseException) -> None:
        kind = LoopGivenUp if is_over() else type(error)
        due.append(_cancelling(kind)(*error.args))
        if not issubclass(kind, LoopGivenUp | SoftTimeLimitExceeded):
            ends.append(due[-1])
        task.cancel()

    timers = [loop.call_later(one.after_seconds, stop, one.error) for one in stops]
    try:
        value = await _driven(coroutine, task, due, lambda: bool(ends) and is_over())
        if ends and isinstance(ends[0], TimeLimitExceeded):
            raise ends[0]
        return value
    except OutOfTime as error:
        raise ends[0] if ends else error from None
    finally:
        for timer in timers:
            timer.cancel()


@types.coroutine
def _driven[V](
    coroutine: Coroutine[Any, Any, V],
    task: "asyncio.Task[Any]",
    due: list[BaseException],
    is_left: Callable[[], bool],
) -> Generator[Any, Any, V]:
    """Run a coroutine step by step: a cancellation that a timer made is raised as its own error."""
    error: BaseException | None = None
    while True:
        try:
            awaited = coroutine.send(None) if error is None else coroutine.throw(error)
        except StopIteration as stopped:
            value: V = stopped.value
            return value
        error = None
        try:
            yield awaited
        except asyncio.CancelledError as cancelled:
            if is_left():
                _keep_for_good(coroutine)
                raise OutOfTime from None
            error = cancelled
            if due:
                # Of several that came while the loop was busy, the last one counts.
                error = due[-1]
            while due:
                due.pop()
                task.uncancel()


def _keep_for_good(endless: object) -> None:
    """Keep a coroutine that takes no notice of its end from ever being removed.

    Python ends what it removes by one more exception. A loop that goes on after any exception would
    take no notice of that one either, and hang its process.
    https://docs.python.org/3/reference/datamodel.html#coroutine.close
    """
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(endless))


def _cancelling(kind: type[BaseException]) -> type[BaseException]:
    """Return the class of errors that are of this one and cancellations, too."""
    return type(kind.__name__, (kind, asyncio.CancelledError), {"__module__": kind.__module__})


async def _together(coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


def _current_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None, "no coroutine runs"
    return task
