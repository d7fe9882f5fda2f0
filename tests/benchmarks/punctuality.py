"""How punctual the runs of a schedule were. Pure; times in milliseconds."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Punctuality:
    """The runs of a schedule, against slots that are one period apart.

    Args:
        runs: how many there were.
        p99_ms, earliest_ms: of the starts, after their slots.
        early: runs that started before their slot.
        drift_ms: how much later after its slot the last run started than the first.
        repeated: slots that ran more than once.
        skipped: slots between the first and the last that did not run.
    """

    runs: int
    p99_ms: float
    earliest_ms: float
    early: int
    drift_ms: float
    repeated: int
    skipped: int


def punctuality(starts_ms: Sequence[float], first_slot_ms: float, period_ms: int) -> Punctuality:
    """Weigh the starts, each against the slot that is nearest to it.

    Raises:
        ValueError: there are none.
    """
    if not starts_ms:
        raise ValueError("nothing was run")
    ordered = sorted(starts_ms)
    slots = [round((start - first_slot_ms) / period_ms) for start in ordered]
    late = [
        start - (first_slot_ms + slot * period_ms)
        for start, slot in zip(ordered, slots, strict=True)
    ]
    runs_of = Counter(slots)
    return Punctuality(
        runs=len(ordered),
        p99_ms=sorted(late)[math.ceil(0.99 * len(late)) - 1],
        earliest_ms=min(late),
        early=sum(lateness < 0 for lateness in late),
        drift_ms=late[-1] - late[0],
        repeated=sum(runs > 1 for runs in runs_of.values()),
        skipped=slots[-1] - slots[0] + 1 - len(runs_of),
    )
