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

A client may publish a task again (`publishes`). Once the task has ended, the message of another
publish runs it again; one that comes before that waits. A task that was revoked stays so.

Each claim raises the attempt number, the fencing token that every later write of that worker must
carry.
"""

from dataclasses import dataclass
from typing import NamedTuple

from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.publishes import Publishes, of_publish

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

    `due_at_ms`: when the turn is due that it waits for, or waited for; 0 for at once. `publish` and
    `earlier_publishes`: as `Publishes` has them. `has_parts`: whether its parts are to finish it.
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
    publish: bytes | None = None
    earlier_publishes: bytes = b""
    has_parts: bool = False

    @property
    def publishes(self) -> Publishes:
        """What is known of the task's publishes."""
        return Publishes(self.turn, self.publish, self.earlier_publishes)


class Claimed(NamedTuple):
    """The task is this worker's: `attempt` is its fencing token.

    `lost` counts the earlier attempts that ended without a word: their workers died. `publish`: the
    number of the publish that the message is of.
    """

    attempt: int
    retries: int
    lost: int
    publish: int = 0


class AlreadyFinished(NamedTuple):
    """The task is finished, or its parts will finish it: the delivery is a duplicate.

    `publish`: the number of the publish that it is of.
    """

    status: str
    publish: int = 0


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


class Behind(NamedTuple):
    """The message is of another publish than the one that is not done yet.

    `due_at_ms`: when that one is due, or was.
    """

    due_at_ms: int = 0


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
    | Behind
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


def placed(claim: Claim, held: Held) -> Claim:
    """Return a claim whose message says its turn, given what the record says."""
    number = held.publishes.number_of(claim.message)
    return claim._replace(message=of_publish(claim.message, number))


def runs_again(claim: Claim, held: Held) -> bool:
    """Whether another publish lets a task run again that has ended."""
    # The parts that finish a task are known by its id: they are done, and stay so.
    may_run_again = held.status != states.REVOKED and not held.has_parts
    has_ended = held.lease_until_ms == NEVER_MS
    return has_ended and may_run_again and held.publishes.is_next(claim.message)


def may_claim(claim: Claim, held: Held, now_ms: int) -> bool:
    """Return whether the claim holds, given what the record says."""
    if held.publishes.is_next(claim.message):
        return runs_again(claim, held)
    message = placed(claim, held).message
    if held.lease_until_ms == NEVER_MS or is_superseded(message, held):
        return False
    return held.lease_until_ms <= now_ms or held.attempt == message.after


def claimed(held: Held) -> Claimed:
    """Return a claim that holds; `held` is what the record says after it."""
    # Every attempt that ends in order raises `returned`.
    lost = held.attempt - 1 - held.returned
    return Claimed(held.attempt, held.retries, lost, publish=held.publishes.number)


def not_claimed(claim: Claim, held: Held) -> ClaimOutcome:
    """Return why a claim does not hold, given what the record says."""
    number = held.publishes.number_of(claim.message)
    if held.lease_until_ms == NEVER_MS:
        return AlreadyFinished(held.status, number)
    if number > held.publishes.number:
        return Behind(held.due_at_ms)
    message = of_publish(claim.message, number)
    if is_superseded(message, held):
        return Superseded()
    if message.turn > held.turn and message.after is None:
        return Replacing(held.lease_until_ms)
    if held.holder != claim.holder:
        return HeldByOther(held.holder)
    if held.nonce == claim.nonce:
        return claimed(held)
    return Leased(held.lease_until_ms)
