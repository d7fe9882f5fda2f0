"""Time limits stop what runs too long, and nothing else."""

import contextlib
import signal
import time
from typing import Any

import pytest

from taskqueue.errors import OutOfTime, SoftTimeLimitExceeded, TimeLimitExceeded
from taskqueue.message import Message
from taskqueue.options import TaskOptions
from taskqueue.worker.time_limits import Stop, stopped_by_signal, stops_of

HARD = TimeLimitExceeded("hard")
SOFT = SoftTimeLimitExceeded("soft")


@pytest.mark.parametrize(
    ("of_task", "of_caller", "left_seconds", "stops"),
    [
        ({}, {}, 9, [(9, OutOfTime)]),
        ({"hard": 5}, {}, 9, [(5, TimeLimitExceeded), (9, OutOfTime)]),
        ({"hard": 5}, {}, 4, [(4, OutOfTime)]),
        ({"hard": 5}, {"hard": 3}, 9, [(3, TimeLimitExceeded), (9, OutOfTime)]),
        ({}, {"hard": 3}, 9, [(3, TimeLimitExceeded), (9, OutOfTime)]),
        (
            {"soft": 2, "hard": 5},
            {},
            9,
            [(2, SoftTimeLimitExceeded), (5, TimeLimitExceeded), (9, OutOfTime)],
        ),
        ({"soft": 2}, {"soft": 1}, 9, [(1, SoftTimeLimitExceeded), (9, OutOfTime)]),
        ({"soft": 6, "hard": 5}, {}, 9, [(5, TimeLimitExceeded), (9, OutOfTime)]),
        ({"soft": 6}, {}, 5, [(5, OutOfTime)]),
    ],
)
def test_what_stops_a_task_and_when(
    of_task: dict[str, float],
    of_caller: dict[str, float],
    left_seconds: float,
    stops: list[tuple[float, type[BaseException]]],
) -> None:
    options = TaskOptions(**_limits(of_task))
    message = Message("t", "id", **_limits(of_caller))
    found = [(s.after_seconds, type(s.error)) for s in stops_of(options, message, left_seconds)]
    assert found == stops


def _limits(of: dict[str, float]) -> dict[str, Any]:
    return {
        "time_limit_seconds": of.get("hard"),
        "soft_time_limit_seconds": of.get("soft"),
    }


def test_what_runs_too_long_is_stopped() -> None:
    started = time.monotonic()
    with pytest.raises(TimeLimitExceeded), stopped_by_signal([Stop(0.05, HARD)]):
        time.sleep(5)
    assert time.monotonic() - started < 2


def test_no_except_exception_of_a_task_swallows_its_time_limit() -> None:
    def careless() -> None:
        with contextlib.suppress(Exception):
            time.sleep(5)

    with pytest.raises(TimeLimitExceeded), stopped_by_signal([Stop(0.05, HARD)]):
        careless()


def test_after_the_soft_limit_there_is_time_until_the_hard_one() -> None:
    tidied = []

    def tidy() -> None:
        try:
            time.sleep(5)
        except SoftTimeLimitExceeded:
            tidied.append(True)
            time.sleep(5)

    stops = [Stop(0.05, SOFT), Stop(0.1, HARD)]
    with pytest.raises(TimeLimitExceeded), stopped_by_signal(stops):
        tidy()
    assert tidied == [True]


def test_what_ends_in_time_leaves_no_timer_and_no_handler() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with stopped_by_signal([Stop(60, HARD)]):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 59
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_the_body_s_own_error_passes() -> None:
    with pytest.raises(KeyError), stopped_by_signal([Stop(60, HARD)]):
        raise KeyError
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
