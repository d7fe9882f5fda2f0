"""What became of a batch's claims, and in which order its tasks run: no I/O but the claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskqueue.errors import StoreError
from taskqueue.records.claim import Claim, Claimed, ClaimOutcome, NotClaimed
from taskqueue.worker.delivery import Delivery

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore


@dataclass(frozen=True, slots=True)
class Claims:
    """The outcomes of one batch's claims, by task id.

    `claimed_at_ms` decides for the whole batch what is early: a task that falls due while others
    run has not been claimed, and must come back. `suspect` is the one task that the batch may run
    of those over which workers have died.
    """

    outcomes: dict[str, ClaimOutcome]
    claimed_at_ms: int
    suspect: str | None

    def take(self, delivery: Delivery) -> ClaimOutcome | None:
        """Return what became of a delivery's claim; None for a second copy within the batch."""
        return self.outcomes.pop(delivery.message.id, None)

    def order(self, delivery: Delivery) -> tuple[bool, bool, int, int]:
        """Run first what was given back before; last, what has to wait or may kill this worker."""
        task_id = delivery.message.id
        return (
            lost(self.outcomes, task_id) > 0,
            task_id == self.suspect,
            -_times_given_back(self.outcomes.get(task_id)),
            delivery.due_at_ms,
        )


def claim_due(
    store: "TaskStore", deliveries: Sequence[Delivery], lease_until_ms: int, now_ms: int
) -> Claims:
    """Claim, in one request, each task that is due and has a record."""
    claims = {
        delivery.message.id: Claim(delivery.message, lease_until_ms)
        for delivery in deliveries
        if not delivery.task.options.idempotent and not delivery.is_early(now_ms)
    }
    outcomes = _outcomes(store, claims, now_ms) if claims else {}
    return Claims(outcomes, now_ms, least_suspect(outcomes))


def least_suspect(outcomes: Mapping[str, ClaimOutcome]) -> str | None:
    """Return the one task that a batch may run of those over which workers have died.

    They all may be bystanders of one that kills its worker. Run one by one, and the least suspect
    first, the bystanders get through.
    """
    suspects = [task_id for task_id in outcomes if lost(outcomes, task_id)]
    return min(suspects, key=lambda task_id: lost(outcomes, task_id), default=None)


def lost(outcomes: Mapping[str, ClaimOutcome], task_id: str) -> int:
    """Return over how many attempts at a claimed task a worker died."""
    outcome = outcomes.get(task_id)
    return outcome.lost if isinstance(outcome, Claimed) else 0


def _outcomes(
    store: "TaskStore", claims: Mapping[str, Claim], now_ms: int
) -> dict[str, ClaimOutcome]:
    try:
        outcomes = store.claim(list(claims.values()), now_ms)
    except StoreError as error:
        return {task_id: NotClaimed(str(error)) for task_id in claims}
    return dict(zip(claims, outcomes, strict=True))


def _times_given_back(outcome: ClaimOutcome | None) -> int:
    if not isinstance(outcome, Claimed):
        return 0
    return outcome.attempt - 1 - outcome.lost - outcome.retries
