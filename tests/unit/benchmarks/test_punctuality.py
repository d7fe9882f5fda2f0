"""Starts are weighed against their slots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.punctuality import Punctuality, punctuality


def test_runs_after_their_slots() -> None:
    found = punctuality([1_003, 1_105, 1_204], first_slot_ms=1_000, period_ms=100)
    assert found == Punctuality(3, 5, 3, early=0, drift_ms=1, repeated=0, skipped=0)


def test_a_slot_run_twice_and_one_not_run() -> None:
    found = punctuality([1_003, 1_004, 1_203], first_slot_ms=1_000, period_ms=100)
    assert (found.repeated, found.skipped) == (1, 1)


def test_a_run_before_its_slot_is_early() -> None:
    found = punctuality([998], first_slot_ms=1_000, period_ms=100)
    assert (found.early, found.earliest_ms) == (1, -2)


def test_no_run_is_no_result() -> None:
    with pytest.raises(ValueError, match="nothing was run"):
        punctuality([], 0, 100)


@given(st.lists(st.floats(0, 40), min_size=1, max_size=300))
def test_the_p99_is_between_the_earliest_and_the_latest(late: list[float]) -> None:
    starts = [number * 100 + lateness for number, lateness in enumerate(late)]
    found = punctuality(starts, first_slot_ms=0, period_ms=100)
    assert min(late) - 1e-6 <= found.p99_ms <= max(late) + 1e-6
    assert found.repeated == found.skipped == 0
