"""Stops a task that runs too long, from within: by a signal, or on an event loop by its timers."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from taskqueue.errors import OutOfTime, SoftTimeLimitExceeded, TimeLimitExceeded
from taskqueue.message import Message
from taskqueue.options import TaskOptions

# What does not end when it is stopped is stopped again after so long.
AGAIN_SECONDS = 0.05


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
def stopped_by_signal(stops: Sequence[Stop]) -> Iterator[Sequence[Stop]]:
    """Raise each stop's error in the body when its time has come; tell which have come so far.

    The last is raised again and again, until the body has ended. It works by SIGALRM, so in the
    main thread only, where Lambda runs its handlers.
    """
    waiting, come = list(stops), list[Stop]()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not waiting:
            return
        now = waiting[0]
        come.append(now)
        if len(waiting) > 1:
            del waiting[0]
        _set_timer(max(waiting[0].after_seconds - now.after_seconds, AGAIN_SECONDS))
        raise now.error

    before = signal.signal(signal.SIGALRM, stop)
    _set_timer(waiting[0].after_seconds)
    try:
        yield come
    finally:
        # A signal that comes from here on raises nothing.
        waiting.clear()
        _set_timer(0)
        signal.signal(signal.SIGALRM, before)


def _set_timer(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _shorter(one: float | None, other: float | None) -> float | None:
    limits = [limit for limit in (one, other) if limit]
    return min(limits, default=None)
