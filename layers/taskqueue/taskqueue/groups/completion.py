"""A task that is finished by its parts, and counts what they did exactly.

A task plans its parts in pages. Each attempt at a page makes a plan of its own, under a new plan
id. A part that is done adds its key to a set: a part that is delivered twice adds the same key
twice, which changes nothing. A page that was planned twice counts by one of its plans, one of which
all parts are done.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_DONE = re.compile(r"(\d{1,9}):([^:]*):(\d{1,9}):(\d{1,9})")
_PLANNED = re.compile(rf"{_DONE.pattern}:(last|more)")


def planned_key(page: int, plan_id: str, parts: int, count: int, *, last: bool) -> str:
    """Return the key that says: page `page` was planned as `count` things, in so many parts."""
    return f"{page}:{plan_id}:{parts}:{count}:{'last' if last else 'more'}"


def done_key(page: int, plan_id: str, index: int, count: int) -> str:
    """Return the key that says: part `index` of the plan is done and did `count` things."""
    return f"{page}:{plan_id}:{index}:{count}"


@dataclass(frozen=True)
class Parts:
    """The keys of what was planned and of what is done."""

    planned: frozenset[str]
    done: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether every page up to the last is planned and has a plan wholly done."""
        last = [page for page, plan in self._pages.items() if plan.last]
        return bool(last) and all(
            page in self._pages and self._pages[page].done for page in range(min(last) + 1)
        )

    @property
    def count(self) -> int:
        """How many things are done: of each page, by a plan that is wholly done, or is furthest."""
        return sum(plan.done_count for plan in self._pages.values())

    @property
    def planned_count(self) -> int:
        """How many things are planned so far: of each page, by the same plan as `count`."""
        return sum(plan.planned_count for plan in self._pages.values())

    def has_page(self, page: int) -> bool:
        """Whether page number `page` has been planned."""
        return page in self._pages

    @cached_property
    def _pages(self) -> dict[int, "_Plan"]:
        """Of each page the plan that counts."""
        done: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
        for page, plan_id, index, count in _read(_DONE, self.done):
            counts = done[int(page), plan_id]
            counts[index] = max(counts.get(index, 0), int(count))
        plans: dict[int, _Plan] = {}
        for page, plan_id, parts, count, last in _read(_PLANNED, sorted(self.planned)):
            plan = _plan(int(parts), int(count), last == "last", done[int(page), plan_id].values())
            plans[int(page)] = max(plans.get(int(page), plan), plan, key=_progress)
        return plans


def _read(form: re.Pattern[str], keys: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yield the fields of the keys; what is no key, which others may have written, says nothing."""
    for key in keys:
        if match := form.fullmatch(key):
            yield match.groups()


class _Plan(NamedTuple):
    planned_count: int
    last: bool
    done: bool
    done_count: int


def _plan(parts: int, count: int, last: bool, done_counts: Collection[int]) -> _Plan:
    return _Plan(count, last, done=len(done_counts) == parts, done_count=sum(done_counts))


def _progress(plan: _Plan) -> tuple[bool, int]:
    return plan.done, plan.done_count
