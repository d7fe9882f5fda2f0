"""Stops a task that runs too long, from within its own thread."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from taskqueue.errors import TimeLimitExceeded


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimitExceeded` in the body when it runs longer than `seconds`.

    It works by SIGALRM, so in the main thread only, where Lambda runs its handlers.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeLimitExceeded(f"the task ran longer than {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
