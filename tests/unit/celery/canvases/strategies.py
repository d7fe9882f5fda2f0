"""Random canvases: of any kind that Celery has, or only of those that its eager mode runs alike.

Where eager mode and a worker of Celery's differ (5.7.0), or a worker of its own goes wrong:

- a worker takes a group of one, or a group of one chain that ends in a group, for what is in it;
- it turns the order of a group within a header (`_freeze_unroll`);
- eager mode runs the links of a task that is replaced twice, and lets nothing wait for a group that
  is linked;
- where a chain or a chord fails, it raises the error out of all that is around it, so that the rest
  of a group does not run.

Nothing follows a chord whose body is a group, nor a group that follows a group, and no chain is
directly in another: what comes next, Celery publishes once for each task of the group.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from tests.unit.celery.canvases.recipe import Chain, Chord, Does, Group, Items, Recipe, Step

MAX_DEPTH = 3
MAX_PARTS = 3


@dataclass(frozen=True)
class Place:
    """Where in a canvas a part of it stands, and so what it may be.

    `is_one`: it has one result. `may_fail`: its tasks may; `may_task_fail`: it may, if it is a
    task.
    """

    depth: int = MAX_DEPTH
    is_one: bool = False
    is_in_chain: bool = False
    may_task_fail: bool = False
    may_fail: bool = True

    def below(self, **changes: bool) -> "Place":
        """Return a place in it."""
        here = Place(self.depth - 1, self.is_one, may_fail=self.may_fail)
        return replace(here, **changes)


@st.composite
def canvases(draw: Any) -> Recipe:
    """Return a canvas."""
    return _Drawing(draw).recipe(Place())


@st.composite
def canvases_for_eager_mode(draw: Any) -> Recipe:
    """Return a canvas of which eager mode says what a worker does."""
    return _EagerDrawing(draw).recipe(Place())


@dataclass
class _Drawing:
    """Draws a canvas from the top down; its tasks get their numbers in that order."""

    draw: Any
    labels: Iterator[int] = field(default_factory=itertools.count)

    def recipe(self, place: Place) -> Recipe:
        kind = self.draw(st.sampled_from(self.kinds(place)))
        match kind:
            case "step":
                return self.step(place)
            case "chain":
                return Chain(self.chain(place))
            case "group":
                return Group(self.members(place))
            case "chord":
                return Chord(self.members(place), self.recipe(self.body(place)))
            case _:
                return Items(next(self.labels), kind, self.draw(st.integers(3, 4)))

    def step(self, place: Place) -> Step:
        label, does = next(self.labels), self.draw(st.sampled_from(self.deeds(place)))
        has_link = self.may_link(place, does) and self.draw(st.integers(0, 3)) == 3
        return Step(
            label,
            does,
            is_immutable=self.draw(st.booleans()),
            link=self.recipe(self.aside(place, does)) if has_link else None,
            errback=self.draw(st.sampled_from([None, "told", "called"])),
            inside=self.recipe(self.aside(place, does)) if does.has_inside else None,
        )

    def some(self, place: Place, at_least: int) -> tuple[Recipe, ...]:
        number = self.draw(st.integers(at_least, MAX_PARTS))
        return tuple(self.recipe(place) for _ in range(number))

    def kinds(self, place: Place) -> Sequence[str]:
        if not place.depth:
            return ["step"]
        kinds = ["step", "chord", "map", "starmap"]
        if not place.is_in_chain:
            kinds.append("chain")
        return kinds if place.is_one else [*kinds, "group", "chunks"]

    def deeds(self, place: Place) -> Sequence[Does]:
        return [does for does in Does if place.depth or not does.has_inside]

    def chain(self, place: Place) -> tuple[Recipe, ...]:
        parts: list[Recipe] = []
        number = self.draw(st.integers(2, MAX_PARTS))
        for index in range(number):
            # What follows a group becomes the body of a chord.
            is_body = bool(parts) and _is_group(parts[-1])
            is_one = is_body or (index == number - 1 and place.is_one)
            part = place.below(is_one=is_one, is_in_chain=True)
            parts.append(self.recipe(part))
        return tuple(parts)

    def members(self, place: Place) -> tuple[Recipe, ...]:
        return self.some(place.below(), 1)

    def body(self, place: Place) -> Place:
        return place.below(is_one=True)

    def aside(self, place: Place, does: Does) -> Place:
        return place.below()

    def may_link(self, place: Place, does: Does) -> bool:
        return place.depth > 0


class _EagerDrawing(_Drawing):
    """Leaves out what eager mode does otherwise."""

    def deeds(self, place: Place) -> Sequence[Does]:
        may_fail = place.may_fail or place.may_task_fail
        return [does for does in super().deeds(place) if may_fail or not does.is_failure]

    def members(self, place: Place) -> tuple[Recipe, ...]:
        return self.some(place.below(is_one=True, may_fail=False, may_task_fail=place.may_fail), 2)

    def aside(self, place: Place, does: Does) -> Place:
        may_fail = does is Does.REPLACE and place.may_fail
        return place.below(is_one=True, may_fail=may_fail)

    def may_link(self, place: Place, does: Does) -> bool:
        return super().may_link(place, does) and does is not Does.REPLACE


def _is_group(recipe: Recipe) -> bool:
    return isinstance(recipe, Group) or (isinstance(recipe, Items) and recipe.how == "chunks")
