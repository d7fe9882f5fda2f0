"""The time limit stops what runs too long, and nothing else."""

import signal
import time

import pytest

from taskqueue.errors import TimeLimitExceeded
from taskqueue.worker.time_limit import time_limit


def test_what_runs_too_long_is_stopped() -> None:
    started = time.monotonic()
    with pytest.raises(TimeLimitExceeded, match=r"longer than 0\.05 seconds"), time_limit(0.05):
        time.sleep(5)
    assert time.monotonic() - started < 2


def test_what_ends_in_time_leaves_no_timer_and_no_handler() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 59
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_body_s_own_error_passes() -> None:
    with pytest.raises(KeyError), time_limit(60):
        raise KeyError
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
