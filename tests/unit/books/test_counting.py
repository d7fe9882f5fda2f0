"""Counting and folding: the brute-force count, whatever comes in between."""

import copy
import random
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.consuming import append
from books.counting import summaries
from books.counting.count import FOLD_AFTER_MS, Counted, count
from books.counting.minutes import StoredSegment, ViewStore
from books.counting.segments import decode
from books.counting.summaries import BookList
from books.errors import UnreadableData
from books.ranking import Window, top, window
from books.views import MINUTE_MS, View
from tests.unit.books.memory_views import SHARDS, MemoryViewStore

NOW_MS = 1_790_000_000_000
# When every minute of a window that ended at NOW_MS is closed.
AFTER_MS = NOW_MS + 9 * MINUTE_MS
# What a minute may take: its segments in each shard, its books looked for and added, its summary
# and its head.
CALLS_A_MINUTE = len(SHARDS) + 4
# A window of an hour touches two hours of the clock, each with a list of books to read.
OPEN_HOURS = 2
WINDOW = window(NOW_MS, 4)
# From before the window to after it, over the change of an hour and so of the list of books.
times_ms = st.integers(WINDOW.start_ms - 2 * MINUTE_MS, WINDOW.end_ms + MINUTE_MS - 1)
views = st.builds(View, st.sampled_from("abcdefgh"), times_ms)
sent_messages = st.dictionaries(
    st.integers(0, 30).map(str), st.lists(views, min_size=1, max_size=4), min_size=1, max_size=20
)


def deliver(store: ViewStore, batch: list[tuple[str, list[View]]]) -> None:
    append(store, dict(batch))


def brute_force(messages: dict[str, list[View]], within: Window = WINDOW) -> dict[str, int]:
    return dict(
        Counter(v.book for said in messages.values() for v in said if v.minute in within.minutes)
    )


class Crash(Exception):
    """The process ends here."""


def dying(store: MemoryViewStore, steps: int) -> MemoryViewStore:
    """Return the same store for a process that dies after so many operations."""
    left = iter(range(steps))

    def step() -> None:
        if next(left, None) is None:
            raise Crash

    return replace(store, before=step)


@given(sent_messages, st.data())
def test_the_count_is_exact_after_any_history(
    sent: dict[str, list[View]], data: st.DataObject
) -> None:
    """Batches in any order and mixture, some again; consumers and folds that die anywhere."""
    store = MemoryViewStore()
    batches = data.draw(st.permutations([[id] for id in sent]))
    again = st.lists(st.sampled_from(sorted(sent)), min_size=1, max_size=6)
    work = [*batches, *data.draw(st.lists(again, max_size=6))]
    for ids in data.draw(st.permutations(work)):
        batch = [(id, sent[id]) for id in ids]
        with suppress(Crash):
            deliver(dying(store, data.draw(st.integers(0, 12))), batch)
        deliver(store, batch)
        if data.draw(st.booleans()):
            now_ms = NOW_MS + data.draw(st.integers(0, 3)) * MINUTE_MS
            with suppress(Crash):
                count(dying(store, data.draw(st.integers(0, 25))), WINDOW, now_ms)
    assert count(store, WINDOW, NOW_MS).counts == brute_force(sent)
    assert count(store, WINDOW, NOW_MS + 9 * MINUTE_MS).counts == brute_force(sent)
    assert count(store, WINDOW, NOW_MS + 9 * MINUTE_MS).counts == brute_force(sent)


@given(sent_messages, st.integers(0, 40), st.integers(0, 40), st.data())
def test_rankings_and_late_segments_in_the_middle_of_a_fold_leave_it_exact(
    sent: dict[str, list[View]], other_at: int, late_at: int, data: st.DataObject
) -> None:
    store = MemoryViewStore()
    ids = sorted(sent)
    late = set(data.draw(st.lists(st.sampled_from(ids))))
    for id in ids:
        if id not in late:
            deliver(store, [(id, sent[id])])
    now_ms, steps = NOW_MS + 9 * MINUTE_MS, iter(range(10_000))

    def meanwhile() -> None:
        step = next(steps)
        if step == other_at:
            count(store, WINDOW, now_ms)
        if step == late_at:
            for id in late:
                deliver(store, [(id, sent[id])])

    count(replace(store, before=meanwhile), WINDOW, now_ms)
    for id in late:
        deliver(store, [(id, sent[id])])
    assert count(store, WINDOW, now_ms).counts == brute_force(sent)
    assert count(store, WINDOW, now_ms).counts == brute_force(sent)


@pytest.mark.parametrize("at", range(10))
def test_two_folds_that_find_different_books_agree_on_one_list(at: int) -> None:
    early = {"1": [View("z", WINDOW.start_ms + MINUTE_MS)]}
    late = {"2": [View("a", WINDOW.start_ms)]}
    store, steps, now_ms = MemoryViewStore(), iter(range(100)), NOW_MS + 9 * MINUTE_MS
    deliver(store, list(early.items()))

    def meanwhile() -> None:
        if next(steps) == at:
            deliver(store, list(late.items()))
            count(store, WINDOW, now_ms)

    count(replace(store, before=meanwhile), WINDOW, now_ms)
    for _ in range(2):
        assert count(store, WINDOW, now_ms).counts == brute_force(early | late)


@pytest.mark.parametrize("at", range(12))
def test_a_segment_may_go_by_books_that_another_ranking_added_meanwhile(at: int) -> None:
    first = {"1": [View("a", WINDOW.start_ms), View("a", WINDOW.start_ms + MINUTE_MS)]}
    added = {"2": [View("b", WINDOW.start_ms)]}
    going_by_it = {"3": [View("b", WINDOW.start_ms + MINUTE_MS)]}
    store, steps = MemoryViewStore(), iter(range(100))
    deliver(store, list(first.items()))

    def meanwhile() -> None:
        if next(steps) == at:
            deliver(store, list(added.items()))
            count(store, WINDOW, AFTER_MS)
            deliver(store, list(going_by_it.items()))

    counted = count(replace(store, before=meanwhile), WINDOW, AFTER_MS)
    assert (counted.unreadable, counted.counts["a"]) == ([], 2)
    assert count(store, WINDOW, AFTER_MS).counts == {"a": 2, "b": 2}


def backlog(minutes: int) -> tuple[MemoryViewStore, dict[str, list[View]]]:
    """So many closed minutes, each with views in several segments, and none of them folded."""
    store, sent = MemoryViewStore(), {}
    for minute in window(NOW_MS, minutes).minutes:
        for number in range(3):
            said = [View(book, minute * MINUTE_MS) for book in f"abc{minute % 7}"[number:]]
            sent[f"{minute}-{number}"] = said
            deliver(store, [(f"{minute}-{number}", said)])
    return store, sent


def calls_of_a_count(minutes: int) -> int:
    """Return how many reads and writes it takes to fold so many minutes and count them."""
    store, _ = backlog(minutes)
    calls: list[None] = []
    count(replace(store, before=lambda: calls.append(None)), window(NOW_MS, minutes), AFTER_MS)
    return len(calls)


def test_a_backlog_shrinks_though_each_ranking_is_interrupted_after_its_first_minute() -> None:
    store, sent = backlog(60)
    within, calls = window(NOW_MS, 60), calls_of_a_count(1) + OPEN_HOURS
    for rankings in range(1, 61):
        with suppress(Crash):
            count(dying(store, calls), within, AFTER_MS)
        assert len(store.folds) >= rankings
    assert count(store, within, AFTER_MS).counts == brute_force(sent, within)


def test_an_interruption_anywhere_in_a_backlog_keeps_what_was_folded() -> None:
    untouched, sent = backlog(60)
    within, calls_of_one = window(NOW_MS, 60), calls_of_a_count(1)
    for at in range(calls_of_a_count(60)):
        store = copy.deepcopy(untouched)
        with pytest.raises(Crash):
            count(dying(store, at), within, AFTER_MS)
        folded = len(store.folds)
        assert folded >= (at - calls_of_one) // CALLS_A_MINUTE
        counted = count(store, within, AFTER_MS)
        assert counted.counts == brute_force(sent, within)
        assert counted.minutes_folded == 60 - folded


def sample(messages: int, seed: int = 1) -> dict[str, list[View]]:
    generator = random.Random(seed)
    return {
        str(number): [
            View(str(generator.randrange(50)), generator.randrange(WINDOW.start_ms, WINDOW.end_ms))
            for _ in range(5)
        ]
        for number in range(messages)
    }


def folded(messages: dict[str, list[View]]) -> tuple[MemoryViewStore, Counted]:
    store = MemoryViewStore()
    deliver(store, list(messages.items()))
    return store, count(store, WINDOW, NOW_MS + 9 * MINUTE_MS)


def test_closed_minutes_are_folded_once_and_their_segments_not_read_again() -> None:
    store, first = folded(sample(40))
    assert first.minutes_folded == 4
    store.segments_read = 0
    second = count(store, WINDOW, NOW_MS + 9 * MINUTE_MS)
    assert (second.minutes_folded, store.segments_read) == (0, 0)
    assert second.counts == first.counts == brute_force(sample(40))


def test_the_running_minute_is_not_folded() -> None:
    store = MemoryViewStore()
    deliver(store, list(sample(40).items()))
    open_until_ms = WINDOW.start_ms + MINUTE_MS + FOLD_AFTER_MS
    assert count(store, WINDOW, open_until_ms - 1).minutes_folded == 0
    assert count(store, WINDOW, open_until_ms).minutes_folded == 1


def test_a_segment_that_cannot_be_read_is_set_aside_and_counted_as_left_out() -> None:
    store = MemoryViewStore()
    deliver(store, list(sample(10).items()))
    store.append(StoredSegment(WINDOW.first, "broken", b"S1 nonsense"))
    now_ms = NOW_MS + 9 * MINUTE_MS
    first, second = count(store, WINDOW, now_ms), count(store, WINDOW, now_ms)
    assert (first.unreadable, first.left_out) == (["broken"], 1)
    assert (second.unreadable, second.left_out) == ([], 1)
    assert store.aside == {"broken": b"S1 nonsense"}
    assert first.counts == second.counts == brute_force(sample(10))


@pytest.mark.parametrize("damage", [b"", b"1234567"])
def test_a_damaged_summary_is_made_anew_from_its_segments(damage: bytes) -> None:
    store, first = folded(sample(10))
    key = next(iter(store.written))
    store.written[key] = [damage]
    again = count(store, WINDOW, NOW_MS + 9 * MINUTE_MS)
    assert (again.counts, again.minutes_folded) == (first.counts, 1)


def test_a_lost_summary_is_made_anew_from_its_segments() -> None:
    store, first = folded(sample(10))
    store.written.clear()
    assert count(store, WINDOW, NOW_MS + 9 * MINUTE_MS).counts == first.counts


def test_a_damaged_list_of_books_costs_only_the_segments_that_go_by_it() -> None:
    store, first = folded(sample(10))
    deliver(store, [("late", [View("0", WINDOW.start_ms), View("1", WINDOW.start_ms)])])
    for key in store.lists:
        store.lists[key] = b"nonsense"
    again = count(store, WINDOW, NOW_MS + 9 * MINUTE_MS)
    assert (again.counts, again.minutes_folded) == (first.counts, 0)
    assert (again.left_out, len(again.unreadable)) == (1, 1)


def test_a_list_of_books_that_lost_its_end_is_as_good_as_damaged() -> None:
    store, first = folded(sample(10))
    store.lists.clear()
    assert count(store, WINDOW, NOW_MS + 9 * MINUTE_MS).counts == first.counts


def test_segments_name_only_books_that_the_list_lacks() -> None:
    store = MemoryViewStore()
    deliver(store, [("1", [View("a", WINDOW.start_ms)])])
    count(store, WINDOW, NOW_MS + 9 * MINUTE_MS)
    deliver(store, [("2", [View("a", WINDOW.start_ms), View("b", WINDOW.start_ms)])])
    [head] = store.heads([WINDOW.first])
    named = sorted(list(decode(segment.data).own_books) for segment in store.segments(head))
    assert named == [["a"], ["b"]]
    assert count(store, WINDOW, NOW_MS).counts == {"a": 2, "b": 1}
    assert count(store, WINDOW, NOW_MS + 9 * MINUTE_MS).counts == {"a": 2, "b": 1}


def test_an_empty_window_has_no_views() -> None:
    assert count(MemoryViewStore(), WINDOW, NOW_MS).counts == {}


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 2**31), max_size=9))
def test_a_summary_is_read_as_it_was_written(counts: dict[str, int]) -> None:
    books = BookList(["zzzz", *sorted(counts), "yyyy"])
    column = summaries.Column()
    written = summaries.column_of({}, counts, books)
    column.add(summaries.decode(summaries.encode(written)))
    assert column.counts(books.names) == counts


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10**6)), max_size=5))
def test_columns_add_up_though_the_list_grew_between_them(minutes: list[dict[str, int]]) -> None:
    books = BookList()
    column, total = summaries.Column(), Counter[str]()
    for counts in minutes:
        books.extend(books.missing(counts))
        column.add(summaries.column_of({}, counts, books))
        total.update(counts)
    assert column.counts(books.names) == dict(total)
    assert summaries.add_up(minutes) == dict(total)


def test_a_list_shorter_than_its_summary_is_not_read() -> None:
    column = summaries.Column()
    column.add(summaries.column_of({0: 1}, {"a": 1, "b": 2}, BookList(["a", "b"])))
    assert column.counts(["a", "b"]) == {"a": 2, "b": 2}
    with pytest.raises(UnreadableData):
        column.counts(["a"])
    with pytest.raises(UnreadableData):
        summaries.column_of({1: 1}, {}, BookList(["a"]))


def test_a_long_list_of_books_is_parted_into_items() -> None:
    books = [f"{number:0128d}" for number in range(10_000)]
    parts = list(summaries.book_pieces(books))
    assert len(parts) > 1
    stored = [summaries.decode_books(summaries.encode_books(part)) for part in parts]
    assert list(chain.from_iterable(stored)) == books


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 5)), st.integers(1, 12)
)
def test_the_ranking_is_that_of_all_books_sorted(counts: dict[str, int], size: int) -> None:
    best = sorted(counts, key=lambda book: (-counts[book], book))[:size]
    entries = top(counts, size)
    assert [entry.book for entry in entries] == best
    assert [entry.views for entry in entries] == [counts[book] for book in best]
    assert [entry.rank for entry in entries] == list(range(1, len(best) + 1))
