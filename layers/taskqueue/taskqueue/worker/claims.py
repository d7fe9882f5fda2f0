"""Takes the leases of a batch's tasks, in one request, and says in which order they run."""

import random
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from taskqueue.errors import StoreError
from taskqueue.records.lease import Behind, Claim, Claimed, ClaimOutcome, HeldByOther, NotClaimed
from taskqueue.worker.delivery import Delivery

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore

# The wait before a task is claimed again when a table or a queue throttles.
MAX_CLAIM_BACKOFF_SECONDS = 60


class Claims(NamedTuple):
    """The outcomes of one batch's claims, by SQS message id; of a task's copies one is claimed.

    `claimed_at_ms` decides for the whole batch what is early: a task that falls due while others
    run has not been claimed, and must come back. `suspect` is the one message that the batch may
    run of those over which workers have died.
    """

    outcomes: Mapping[str, ClaimOutcome]
    claimed_at_ms: int
    suspect: str | None

    def of(self, delivery: Delivery) -> ClaimOutcome | None:
        """Return what became of a delivery's claim; None for another copy within the batch."""
        return self.outcomes.get(delivery.message_id)

    def is_holder(self, delivery: Delivery) -> bool:
        """Whether a copy that the batch has, too, found the task held by this very message."""
        return HeldByOther(delivery.message_id) in self.outcomes.values()

    def order(self, delivery: Delivery) -> tuple[int, int]:
        """Run first what was given back before, and last what has to wait."""
        return -_times_given_back(self.of(delivery)), delivery.due_at_ms


def claim_due(
    store: "TaskStore", deliveries: Sequence[Delivery], lease_until_ms: int, now_ms: int
) -> Claims:
    """Claim, in one request, each task that is due and has a record, or is to have one."""
    due = [one for one in deliveries if one.is_recorded and not one.is_early(now_ms)]
    latest: dict[str, Delivery] = {}
    for delivery in due:
        known = latest.setdefault(delivery.message.id, delivery)
        latest[delivery.message.id] = max(known, delivery, key=_sent_last)
    nonce = secrets.token_hex(4)
    claims = [Claim(one.message, lease_until_ms, one.message_id, nonce) for one in latest.values()]
    outcomes = _outcomes(store, claims, now_ms) if claims else {}
    behind = [one for one in due if one.message.publish != latest[one.message.id].message.publish]
    outcomes |= {one.message_id: Behind() for one in behind}
    return Claims(outcomes, now_ms, least_suspect(outcomes))


def least_suspect(outcomes: Mapping[str, ClaimOutcome]) -> str | None:
    """Return the one message that a batch may run of those over which workers have died.

    They all may be bystanders of one that kills its worker. Run one by one, and the least suspect
    first, the bystanders get through.
    """
    suspects = [message_id for message_id, outcome in outcomes.items() if _lost(outcome)]
    return min(suspects, key=lambda message_id: _lost(outcomes[message_id]), default=None)


def _sent_last(delivery: Delivery) -> tuple[int, int]:
    """Order the messages of one task by when they were sent, copies alike."""
    return delivery.message.turn, delivery.message.after or 0


def _outcomes(store: "TaskStore", claims: Sequence[Claim], now_ms: int) -> dict[str, ClaimOutcome]:
    found: Sequence[ClaimOutcome]
    try:
        found = store.claim(claims, now_ms)
    except StoreError as error:
        found = [NotClaimed(str(error)) for _ in claims]
    return {claim.holder: outcome for claim, outcome in zip(claims, found, strict=True)}


def _lost(outcome: ClaimOutcome | None) -> int:
    """Return over how many attempts at a claimed task a worker died."""
    return outcome.lost if isinstance(outcome, Claimed) else 0


def _times_given_back(outcome: ClaimOutcome | None) -> int:
    if not isinstance(outcome, Claimed):
        return 0
    return max(0, outcome.attempt - 1 - outcome.lost - outcome.retries)


def claim_backoff_seconds(receive_count: int) -> float:
    """Return the wait before a task that AWS kept from going on is claimed again: full jitter."""
    return random.uniform(1, min(MAX_CLAIM_BACKOFF_SECONDS, 2.0 ** min(receive_count, 10)))
