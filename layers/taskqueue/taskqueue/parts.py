"""A task that is finished by its parts: counted exactly, whatever is delivered twice.

A task plans its parts in pages. Each attempt at a page makes a plan of its own, under a fresh plan
id; every part of a plan that is done adds its key to a set. Adding to a set twice changes nothing,
and a page counts once, by a plan of which all parts are done, so neither a redelivered part nor a
page planned twice can be counted twice.
"""

from dataclasses import dataclass


def planned_key(page: int, plan_id: str, parts: int, *, last: bool) -> str:
    """Return the key that says: page number `page` was planned in `parts` parts."""
    return f"{page}:{plan_id}:{parts}:{'last' if last else 'more'}"


def done_key(page: int, plan_id: str, index: int, count: int) -> str:
    """Return the key that says: part `index` of the plan is done and did `count` things."""
    return f"{page}:{plan_id}:{index}:{count}"


@dataclass(frozen=True, slots=True)
class Parts:
    """The keys of what was planned and of what is done."""

    planned: frozenset[str]
    done: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether every page up to the last is planned and has a plan wholly done."""
        finished = {plan.page for plan in self._plans() if self._is_done(plan)}
        last = {plan.page for plan in self._plans() if plan.last}
        return bool(last) and finished >= set(range(min(last) + 1))

    @property
    def count(self) -> int:
        """How many things are done: of each page, by a plan wholly done or the one furthest."""
        best: dict[int, tuple[bool, int]] = {}
        for plan in self._plans():
            here = (self._is_done(plan), sum(self._counts(plan)))
            best[plan.page] = max(best.get(plan.page, here), here)
        return sum(count for _, count in best.values())

    def has_page(self, page: int) -> bool:
        """Whether page number `page` has been planned."""
        return any(plan.page == page for plan in self._plans())

    def _plans(self) -> list["_Plan"]:
        return sorted(map(_parse, self.planned), key=lambda plan: (plan.page, plan.id))

    def _counts(self, plan: "_Plan") -> list[int]:
        prefix = f"{plan.page}:{plan.id}:"
        return [int(key.rpartition(":")[2]) for key in self.done if key.startswith(prefix)]

    def _is_done(self, plan: "_Plan") -> bool:
        return len(self._counts(plan)) == plan.parts


@dataclass(frozen=True, slots=True)
class _Plan:
    page: int
    id: str
    parts: int
    last: bool


def _parse(key: str) -> _Plan:
    page, plan_id, parts, last = key.split(":")
    return _Plan(int(page), plan_id, int(parts), last == "last")
