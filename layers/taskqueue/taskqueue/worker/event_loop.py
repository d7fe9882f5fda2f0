"""The event loop on which `async def` tasks run together; it lives as long as the process.

A connection that a task keeps belongs to the loop on which it was made, so there is one loop for
all batches.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator, Sequence
from contextlib import suppress
from typing import Any

from taskqueue.worker.time_limits import Stop


class EventLoop:
    """Runs coroutines in the thread that calls it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run_together(self, coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Run all of them, and return when the last has ended.

        Raises:
            BaseException: the loop itself was stopped; it is to be thrown away.
        """
        self._runner.run(_together(coroutines))

    def throw_away(self) -> None:
        """Cancel what still runs; the next coroutines get a new loop."""
        runner, self._runner = self._runner, asyncio.Runner()
        # What a task has begun beside itself may end the loop once more while it is cancelled.
        with suppress(SystemExit):
            runner.close()


async def stopped_by_timers[V](coroutine: Coroutine[Any, Any, V], stops: Sequence[Stop]) -> V:
    """Await a coroutine, and raise each stop's error in it when its time has come."""
    task = _current_task()
    due: list[BaseException] = []
    loop = asyncio.get_running_loop()

    def stop(error: BaseException) -> None:
        due.append(error)
        task.cancel()

    timers = [loop.call_later(one.after_seconds, stop, one.error) for one in stops]
    try:
        return await _driven(coroutine, task, due)
    finally:
        for timer in timers:
            timer.cancel()


@types.coroutine
def _driven[V](
    coroutine: Coroutine[Any, Any, V], task: "asyncio.Task[Any]", due: list[BaseException]
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
            error = cancelled
            if due:
                error = due.pop(0)
                task.uncancel()


async def _together(coroutines: Sequence[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*coroutines)


def _current_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    assert task is not None, "no coroutine runs"
    return task
