"""The lease of a task: whether a worker that claims it takes the lease. No I/O.

Three things decide. The *lease*: a task may be claimed once `lease_until_ms` has passed, which is 0
for a task that waits and never for one that is finished. The *turn*: every retry and every redrive
of a task is a new turn, which its message carries, and a message of an earlier turn does nothing.
The *holder*: the SQS message by which the task was claimed; a copy that another message brings is
a duplicate.

A retry's message also says after which attempt it was sent. It is sent before that attempt's end is
recorded, so it may overtake the record; it is not held up by the lease of the attempt that sent it.
Its task has a record that outlives it, unless the worker died before it recorded the retry, and the
task ran again and ended. So where there is none, the task ended long ago. If it ran again and asked
for a later retry, both messages are out, and the sooner one does nothing.

Each claim raises the attempt number, the fencing token that every later write of that worker must
carry.
"""

from dataclasses import dataclass
from typing import NamedTuple

from taskqueue.message import Message

# Later than any clock: a finished task is never claimed.
NEVER_MS = 9_999_999_999_999


class Claim(NamedTuple):
    """A worker's wish to run `message` until `lease_until_ms` at the latest.

    `holder`: the id of the SQS message that brought it. `nonce`: a text that no other delivery has,
    by which a claim whose answer was lost knows itself when the client asks again.
    """

    message: Message
    lease_until_ms: int
    holder: str
    nonce: str

    def starts_at_ms(self, now_ms: int) -> int:
        """Return when a task claimed now starts: not before it is due."""
        return max(now_ms, self.message.eta_ms or 0)


class Held(NamedTuple):
    """What a task's record says of its last claim; all of it 0 or empty before the first.

    `due_at_ms`: when the turn is due that it waits for, or waited for; 0 for at once.
    """

    status: str
    attempt: int = 0
    turn: int = 0
    retries: int = 0
    returned: int = 0
    lease_until_ms: int = 0
    holder: str = ""
    nonce: str = ""
    due_at_ms: int = 0


class Claimed(NamedTuple):
    """The task is this worker's: `attempt` is its fencing token.

    `lost` counts the earlier attempts that ended without a word: their workers died.
    """

    attempt: int
    retries: int
    lost: int


class AlreadyFinished(NamedTuple):
    """The task is finished, or its parts will finish it: the delivery is a duplicate."""

    status: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """The task has been sent again since: for a later turn, or for this one at a later time."""


@dataclass(frozen=True, slots=True)
class RecordGone:
    """The message is a retry's whose task has ended so long ago that its record is gone."""


class HeldByOther(NamedTuple):
    """Another message, `holder`, has the task, and comes back by itself if its worker dies."""

    holder: str


class Leased(NamedTuple):
    """A worker may work on the task until `until_ms`; it has it by this same message."""

    until_ms: int


class Replacing(NamedTuple):
    """An earlier turn has the task, that of a Celery task that this message's replaces.

    Its end is being written, unless its worker died: then the task is free at `until_ms`.
    """

    until_ms: int


class NotClaimed(NamedTuple):
    """The store failed for this claim, though not for all of them; `reason` is its error code."""

    reason: str


ClaimOutcome = (
    Claimed
    | AlreadyFinished
    | Superseded
    | RecordGone
    | HeldByOther
    | Leased
    | Replacing
    | NotClaimed
)


def has_had_record(message: Message) -> bool:
    """Whether the attempt that sent this message held its task's record."""
    return bool(message.after)


def is_superseded(message: Message, held: Held) -> bool:
    """Whether the task has been sent again since: for another turn, or to retry it later."""
    if message.turn != held.turn:
        return message.turn < held.turn
    is_timed_retry = message.after is not None and message.eta_ms is not None
    return is_timed_retry and (message.eta_ms or 0) < held.due_at_ms


def may_claim(claim: Claim, held: Held, now_ms: int) -> bool:
    """Return whether the claim holds, given what the record says."""
    if held.lease_until_ms == NEVER_MS or is_superseded(claim.message, held):
        return False
    return held.lease_until_ms <= now_ms or held.attempt == claim.message.after


def claimed(held: Held) -> Claimed:
    """Return a claim that holds; `held` is what the record says after it."""
    # Every attempt that ends in order raises `returned`.
    return Claimed(held.attempt, held.retries, lost=held.attempt - 1 - held.returned)


def not_claimed(claim: Claim, held: Held) -> ClaimOutcome:
    """Return why a claim does not hold, given what the record says."""
    if held.lease_until_ms == NEVER_MS:
        return AlreadyFinished(held.status)
    if is_superseded(claim.message, held):
        return Superseded()
    if claim.message.turn > held.turn and claim.message.after is None:
        return Replacing(held.lease_until_ms)
    if held.holder != claim.holder:
        return HeldByOther(held.holder)
    if held.nonce == claim.nonce:
        return claimed(held)
    return Leased(held.lease_until_ms)
