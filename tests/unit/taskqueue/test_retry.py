"""Retry decisions, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.errors import PermanentError, Retry, StoreError, StoreRefused, Throttled
from taskqueue.options import RetryPolicy
from taskqueue.worker.retry import GiveUp, RetryLater, backoff_seconds, decide

PLAIN = RetryPolicy()
AUTO = RetryPolicy(
    max_retries=5, autoretry_for=(OSError,), retry_backoff_seconds=2, retry_jitter=False
)
NEVER = RetryPolicy(max_retries=0, autoretry_for=(OSError,))
ENDLESS = RetryPolicy(max_retries=None, autoretry_for=(OSError,), default_retry_delay_seconds=7)
PASSING = RetryPolicy(autoretry_for=(StoreError,), dont_autoretry_for=(PermanentError,))
EXITS = RetryPolicy(autoretry_for=(SystemExit,))


@pytest.mark.parametrize(
    ("policy", "error", "retries", "decision"),
    [
        (PLAIN, ValueError(), 0, GiveUp(exhausted=False)),
        (PLAIN, Throttled(), 0, GiveUp(exhausted=False)),
        (PLAIN, SystemExit(), 0, GiveUp(exhausted=False)),
        (EXITS, SystemExit(), 0, RetryLater(180)),
        (PLAIN, Retry(), 0, RetryLater(180)),
        (PLAIN, Retry(countdown_seconds=5), 0, RetryLater(5)),
        (PLAIN, Retry(countdown_seconds=0), 2, RetryLater(0)),
        (PLAIN, Retry(countdown_seconds=-3), 0, RetryLater(0)),
        (PLAIN, Retry(countdown_seconds=100_000), 0, RetryLater(100_000)),
        (PLAIN, Retry(countdown_seconds=5), 3, GiveUp(exhausted=True)),
        (AUTO, ConnectionError(), 0, RetryLater(2)),
        (AUTO, ConnectionError(), 1, RetryLater(4)),
        (AUTO, ConnectionError(), 4, RetryLater(32)),
        (AUTO, ConnectionError(), 5, GiveUp(exhausted=True)),
        (AUTO, ValueError(), 0, GiveUp(exhausted=False)),
        (AUTO, ValueError(), 5, GiveUp(exhausted=False)),
        (AUTO, Retry(countdown_seconds=1), 4, RetryLater(1)),
        (AUTO, Retry(), 3, RetryLater(16)),
        (NEVER, OSError(), 0, GiveUp(exhausted=True)),
        (PASSING, StoreError(), 0, RetryLater(180)),
        (PASSING, Throttled(), 2, RetryLater(180)),
        (PASSING, StoreRefused(), 0, GiveUp(exhausted=True)),
        (ENDLESS, OSError(), 1_000_000, RetryLater(7)),
    ],
)
def test_decisions(
    policy: RetryPolicy, error: BaseException, retries: int, decision: RetryLater | GiveUp
) -> None:
    assert decide(policy, error, retries) == decision


@given(
    retries=st.integers(0, 10_000),
    base=st.floats(0.01, 1_000),
    cap=st.floats(0.01, 100_000),
    share=st.floats(0, 1),
)
def test_jitter_stays_between_nothing_and_the_cap(
    retries: int, base: float, cap: float, share: float
) -> None:
    policy = RetryPolicy(retry_backoff_seconds=base, retry_backoff_max_seconds=cap)
    delay = backoff_seconds(policy, retries, uniform=lambda low, high: low + share * (high - low))
    assert 0 <= delay <= min(cap, base * 2.0 ** min(retries, 60)) * (1 + 1e-9)


def test_jitter_is_still_there_at_the_cap() -> None:
    policy = RetryPolicy(retry_backoff_seconds=1, retry_backoff_max_seconds=10)
    assert backoff_seconds(policy, 50, uniform=lambda low, high: (low + high) / 2) == 5


@given(st.integers(0, 100))
def test_without_jitter_the_wait_never_shrinks(retries: int) -> None:
    policy = RetryPolicy(retry_backoff_seconds=1, retry_jitter=False)
    assert backoff_seconds(policy, retries) <= backoff_seconds(policy, retries + 1) <= 600
