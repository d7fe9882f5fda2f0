"""When a failed task runs again: pure decisions, no I/O."""

import random
from collections.abc import Callable
from typing import NamedTuple

from taskqueue.errors import PermanentError, Retry
from taskqueue.options import RetryPolicy

Uniform = Callable[[float, float], float]


class RetryLater(NamedTuple):
    """Run the task again after `delay_seconds`."""

    delay_seconds: float


class GiveUp(NamedTuple):
    """Do not run the task again.

    `exhausted`: it was to be retried, but too often, or it is no use before someone mends the
    stack: its message is kept.
    """

    exhausted: bool


def decide(
    policy: RetryPolicy, error: BaseException, retries: int, uniform: Uniform = random.uniform
) -> RetryLater | GiveUp:
    """Decide what becomes of a task that raised `error` after `retries` earlier retries."""
    if not isinstance(error, Retry) and not retries_by_itself(policy, error):
        return GiveUp(exhausted=isinstance(error, PermanentError))
    if is_exhausted(policy, retries):
        return GiveUp(exhausted=True)
    asked = error.countdown_seconds if isinstance(error, Retry) else None
    delay = backoff_seconds(policy, retries, uniform) if asked is None else asked
    return RetryLater(max(delay, 0))


def retries_by_itself(policy: RetryPolicy, error: BaseException) -> bool:
    """Return whether a task that raised `error` is retried though it did not ask for it."""
    return isinstance(error, policy.autoretry_for) and not isinstance(
        error, policy.dont_autoretry_for
    )


def is_exhausted(policy: RetryPolicy, retries: int) -> bool:
    """Return whether a task with so many retries behind it may have no other."""
    return policy.max_retries is not None and retries >= policy.max_retries


def backoff_seconds(policy: RetryPolicy, retries: int, uniform: Uniform = random.uniform) -> float:
    """Return the wait before retry number `retries` + 1.

    Full jitter under the cap, so that many tasks that failed together do not come back together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if not policy.retry_backoff_seconds:
        return policy.default_retry_delay_seconds
    ceiling = min(
        policy.retry_backoff_max_seconds, policy.retry_backoff_seconds * 2.0 ** min(retries, 60)
    )
    return uniform(0, ceiling) if policy.retry_jitter else ceiling
