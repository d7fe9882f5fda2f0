"""Stops a task that runs too long, from within: by a signal, or on an event loop by its timers."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from taskqueue.errors import OutOfTime, SoftTimeLimitExceeded, TimeLimitExceeded
from taskqueue.message import Message
from taskqueue.options import TaskOptions


class Stop(NamedTuple):
    """What is raised in a task, and how many seconds after its start."""

    after_seconds: float
    error: BaseException


def stops_of(options: TaskOptions, message: Message, left_seconds: float) -> Sequence[Stop]:
    """Return what may stop a task, in order: a task may go on after each, to tidy up.

    The task's own limits count where both the task and its caller set one: the shorter. When the
    worker's `left_seconds` are over before, the task is out of time and has not failed.
    """
    soft = _shorter(options.soft_time_limit_seconds, message.soft_time_limit_seconds)
    hard = hard_limit_seconds(options, message)
    stops = [Stop(max(left_seconds, 0.001), OutOfTime("the worker's time is over"))]
    if hard is not None and hard <= left_seconds:
        error: BaseException = TimeLimitExceeded(f"the task ran longer than {hard:g} seconds")
        stops.insert(0, Stop(hard, error))
    if soft is not None and soft < stops[0].after_seconds:
        error = SoftTimeLimitExceeded(f"the task ran longer than {soft:g} seconds")
        stops.insert(0, Stop(soft, error))
    return stops


def hard_limit_seconds(options: TaskOptions, message: Message) -> float | None:
    """Return the time after which a task is ended, its own or its caller's; None: no limit."""
    return _shorter(options.time_limit_seconds, message.time_limit_seconds)


@contextmanager
def stopped_by_signal(stops: Sequence[Stop]) -> Iterator[None]:
    """Raise each stop's error in the body when its time has come.

    It works by SIGALRM, so in the main thread only, where Lambda runs its handlers.
    """
    waiting = list(stops)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        now = waiting.pop(0)
        if waiting:
            _set_timer(waiting[0].after_seconds - now.after_seconds)
        raise now.error

    before = signal.signal(signal.SIGALRM, stop)
    _set_timer(waiting[0].after_seconds)
    try:
        yield
    finally:
        _set_timer(0)
        signal.signal(signal.SIGALRM, before)


def _set_timer(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _shorter(one: float | None, other: float | None) -> float | None:
    limits = [limit for limit in (one, other) if limit]
    return min(limits, default=None)
