"""The count of a task's parts: exact in any order and under any duplication."""

import random

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.groups.completion import Parts, done_key, planned_key

NOTHING = Parts(frozenset(), frozenset())


def parts_of(planned: list[str], done: list[str]) -> Parts:
    return Parts(frozenset(planned), frozenset(done))


def test_nothing_planned_is_not_complete() -> None:
    assert not NOTHING.complete
    assert NOTHING.count == 0
    assert NOTHING.planned_count == 0
    assert not NOTHING.has_page(0)


def test_a_page_of_no_parts_is_complete_by_its_plan() -> None:
    parts = parts_of([planned_key(0, "a", 0, 0, last=True)], [])
    assert parts.complete
    assert parts.count == 0


def test_parts_done_before_their_plan_is_known_count_once_it_is() -> None:
    done = [done_key(0, "a", 0, 1_000), done_key(0, "a", 1, 45)]
    assert parts_of([], done).count == 0
    parts = parts_of([planned_key(0, "a", 2, 1_045, last=True)], done)
    assert parts.complete
    assert (parts.count, parts.planned_count) == (1_045, 1_045)


def test_a_page_without_the_pages_before_it_is_not_complete() -> None:
    parts = parts_of([planned_key(1, "b", 1, 7, last=True)], [done_key(1, "b", 0, 7)])
    assert not parts.complete
    assert parts.has_page(1)
    assert not parts.has_page(0)


def test_a_page_planned_twice_counts_by_one_plan_only() -> None:
    planned = [planned_key(0, "a", 2, 20, last=True), planned_key(0, "b", 2, 20, last=True)]
    half_each = parts_of(planned, [done_key(0, "a", 0, 10), done_key(0, "b", 1, 10)])
    assert not half_each.complete
    assert half_each.count == 10
    both = [done_key(0, plan, index, 10) for plan in "ab" for index in (0, 1)]
    assert parts_of(planned, both).complete
    assert parts_of(planned, both).count == 20


def test_a_part_done_twice_with_different_counts_is_still_one_part() -> None:
    planned = [planned_key(0, "a", 2, 10, last=True)]
    parts = parts_of(planned, [done_key(0, "a", 0, 5), done_key(0, "a", 0, 4)])
    assert not parts.complete
    assert parts.count == 5


@st.composite
def fan_outs(draw: st.DrawFn) -> tuple[list[str], list[str], list[str], int]:
    """Return the plans that matter, their parts, what a crashed plan left, and the exact count."""
    pages = draw(st.integers(1, 4))
    planned, done, crashed, total = [], [], [], 0
    for page in range(pages):
        counts = draw(st.lists(st.integers(0, 1_000), max_size=5))
        last = page == pages - 1
        planned.append(planned_key(page, "good", len(counts), sum(counts), last=last))
        done += [done_key(page, "good", index, count) for index, count in enumerate(counts)]
        total += sum(counts)
        if draw(st.booleans()):
            crashed.append(planned_key(page, "dead", len(counts) + 1, sum(counts), last=last))
    return planned, done, crashed, total


@given(fan_outs(), st.randoms(use_true_random=False))
def test_any_order_and_duplication_of_the_writes_gives_the_exact_count(
    fan_out: tuple[list[str], list[str], list[str], int], chance: random.Random
) -> None:
    planned, done, crashed, total = fan_out
    writes = [*planned, *done, *crashed] * 2
    chance.shuffle(writes)
    state = NOTHING
    for write in writes:
        is_plan = write.endswith((":last", ":more"))
        state = Parts(
            state.planned | {write} if is_plan else state.planned,
            state.done if is_plan else state.done | {write},
        )
        everything = state.planned >= set(planned) and state.done >= set(done)
        assert state.complete == everything
        assert state.count <= total
    assert state.count == total
