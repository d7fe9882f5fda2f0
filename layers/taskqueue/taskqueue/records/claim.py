"""A claim: a worker's wish to run a task, and what the store answers.

A claim holds a lease: it succeeds when `lease_until_ms` has passed, which is 0 for a task that
waits, the time of the next try for one that retries, and never for one that is finished. Each claim
raises the attempt number, the fencing token that every later write of that worker must carry.
"""

from dataclasses import dataclass

from taskqueue.message import Message

# Later than any clock: a finished task is never claimed.
NEVER_MS = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's wish to run `message` until `lease_until_ms` at the latest."""

    message: Message
    lease_until_ms: int

    def starts_at_ms(self, now_ms: int) -> int:
        """Return when a task claimed now starts: not before it is due."""
        return max(now_ms, self.message.eta_ms or 0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The task is this worker's: `attempt` is its fencing token.

    `lost` counts the earlier attempts that ended without a word: their workers died.
    """

    attempt: int
    retries: int
    lost: int


@dataclass(frozen=True, slots=True)
class AlreadyFinished:
    """The task is finished, or its parts will finish it: the delivery is a duplicate."""

    status: str


@dataclass(frozen=True, slots=True)
class Leased:
    """Another worker has the task, or its next try is not due, until `until_ms`."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class NotClaimed:
    """The store failed for this claim, though not for all of them; `reason` is its error code."""

    reason: str


ClaimOutcome = Claimed | AlreadyFinished | Leased | NotClaimed
