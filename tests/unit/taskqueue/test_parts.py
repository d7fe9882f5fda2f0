from hypothesis import given
from hypothesis import strategies as st

from taskqueue.parts import Parts, done_key, planned_key

PAGES = st.lists(st.lists(st.integers(0, 1_000), max_size=5), min_size=1, max_size=6)


def parts_of(planned: set[str], done: set[str]) -> Parts:
    return Parts(frozenset(planned), frozenset(done))


def plan_of(pages: list[list[int]], page: int, plan_id: str) -> tuple[str, set[str]]:
    """Return the keys of a plan of that page, in which each part does as many things as listed."""
    counts = pages[page]
    last = page == len(pages) - 1
    key = planned_key(page, plan_id, len(counts), sum(counts), last=last)
    return key, {done_key(page, plan_id, index, count) for index, count in enumerate(counts)}


def test_nothing_planned_is_not_complete() -> None:
    parts = parts_of(set(), set())

    assert not parts.complete
    assert (parts.count, parts.planned_count) == (0, 0)
    assert not parts.has_page(0)


def test_a_last_page_without_parts_is_complete() -> None:
    parts = parts_of({planned_key(0, "a", 0, 0, last=True)}, set())

    assert parts.complete
    assert parts.count == 0


def test_parts_are_counted_while_they_are_done() -> None:
    plan = planned_key(0, "a", 2, 1_045, last=True)

    half = parts_of({plan}, {done_key(0, "a", 0, 1_000)})
    whole = parts_of({plan}, {done_key(0, "a", 0, 1_000), done_key(0, "a", 1, 45)})

    assert (half.complete, half.count, half.planned_count) == (False, 1_000, 1_045)
    assert (whole.complete, whole.count, whole.planned_count) == (True, 1_045, 1_045)


def test_parts_of_a_plan_that_was_never_recorded_do_not_count() -> None:
    assert parts_of(set(), {done_key(0, "a", 0, 7)}).count == 0


def test_a_page_planned_twice_counts_by_the_plan_that_is_done() -> None:
    planned = {planned_key(0, "a", 2, 8, last=True), planned_key(0, "b", 1, 4, last=True)}

    parts = parts_of(planned, {done_key(0, "a", 0, 7), done_key(0, "b", 0, 4)})

    assert parts.complete
    assert parts.count == 4


def test_a_missing_page_keeps_the_task_open() -> None:
    planned = {planned_key(0, "a", 0, 0, last=False), planned_key(2, "c", 0, 0, last=True)}

    assert not parts_of(planned, set()).complete
    assert parts_of(planned | {planned_key(1, "b", 0, 0, last=False)}, set()).complete


@given(pages=PAGES, plans=st.lists(st.integers(1, 3), min_size=6, max_size=6), data=st.data())
def test_the_count_is_exact_however_often_pages_are_planned_and_parts_done(
    pages: list[list[int]], plans: list[int], data: st.DataObject
) -> None:
    planned: set[str] = set()
    done: set[str] = set()
    for page in range(len(pages)):
        for attempt in range(plans[page]):
            key, keys = plan_of(pages, page, f"p{attempt}")
            planned.add(key)
            kept = data.draw(st.sets(st.sampled_from(sorted(keys)))) if attempt and keys else keys
            done |= kept

    parts = parts_of(planned, done)

    assert parts.complete
    assert parts.count == parts.planned_count == sum(map(sum, pages))


@given(pages=PAGES, data=st.data())
def test_a_task_is_complete_with_its_last_part_and_not_before(
    pages: list[list[int]], data: st.DataObject
) -> None:
    keys = [plan_of(pages, page, "p") for page in range(len(pages))]
    planned = {key for key, _ in keys}
    done = [key for _, parts in keys for key in sorted(parts)]
    missing = data.draw(st.sampled_from(sorted(planned) + done))

    assert parts_of(planned, set(done)).complete
    assert not parts_of(planned - {missing}, set(done) - {missing}).complete
