"""Segments: exact under any redelivery, compact, and never read when damaged."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.counting.segments import (
    MAX_SEGMENT_BYTES,
    Merge,
    MessageCounts,
    Segment,
    by_minute,
    decode,
    encode,
    message_key,
    segment_id,
    split,
)
from books.errors import InvalidView, UnreadableData
from books.views import MAX_VIEWS, View, is_book, pairs, read_pairs, refusal

NOW_MS = 1_790_000_000_000
WINDOW_MINUTES = 60

books = st.sampled_from(["1", "2", "3", "harry-potter", "a:b"])
views = st.builds(View, books, st.integers(NOW_MS - 180_000, NOW_MS))
# Messages by id: what an id says never changes.
messages = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.lists(views, min_size=1, max_size=5), max_size=12
)


def brute_force(messages: dict[str, list[View]]) -> Counter[tuple[int, str]]:
    return Counter((view.minute, view.book) for said in messages.values() for view in said)


# Places in the hour's list of some books, as a consumer may know them.
LIST = ["a:b", "2", "1"]
known_books = st.integers(0, 3).map(lambda count: {LIST[n]: n for n in range(count)})


def counted(merge: Merge) -> dict[str, int]:
    """Return a merge's counts by name."""
    total = Counter({LIST[number]: count for number, count in merge.by_number.items()})
    total.update(merge.by_name)
    return dict(total)


def merge(segments: Iterable[Segment]) -> dict[str, int]:
    merged = Merge()
    for segment in segments:
        merged.add(segment)
    return counted(merged)


def written(
    batches: Sequence[list[tuple[str, list[View]]]], known: Sequence[dict[str, int]]
) -> Counter[tuple[int, str]]:
    """Write every batch as count_views does, and merge each minute's segments."""
    segments: dict[int, list[bytes]] = {}
    for batch, places in zip(batches, known, strict=True):
        for minute, said in by_minute(batch).items():
            segments.setdefault(minute, []).append(encode(said, places))
    return Counter(
        {
            (minute, book): count
            for minute, data in segments.items()
            for book, count in merge(map(decode, data)).items()
        }
    )


@given(messages, st.data())
def test_merging_counts_every_message_once_however_it_is_redelivered(
    sent: dict[str, list[View]], data: st.DataObject
) -> None:
    deliveries = st.lists(st.sampled_from(sorted(sent)), max_size=8) if sent else st.just([])
    batches = [[(id, sent[id])] for id in sent]
    batches += [
        [(id, sent[id]) for id in batch] for batch in data.draw(st.lists(deliveries, max_size=8))
    ]
    shuffled = data.draw(st.permutations(batches))
    known = [data.draw(known_books) for _ in shuffled]
    assert written(shuffled, known) == brute_force(sent)


@given(messages, known_books)
def test_what_is_encoded_is_decoded(sent: dict[str, list[View]], known: dict[str, int]) -> None:
    for said in by_minute(sent.items()).values():
        segment = decode(encode(said, known))
        assert not set(segment.own_books) & known.keys()
        assert list(segment.keys) == [message.key for message in said]
        assert merge([segment]) == dict(sum((Counter(one.counts) for one in said), Counter()))


@given(messages)
def test_a_batch_delivered_again_is_the_same_segment(sent: dict[str, list[View]]) -> None:
    again = by_minute(reversed(list(sent.items())))
    for minute, said in by_minute(sent.items()).items():
        assert segment_id(again[minute]) == segment_id(said)


def said_by(count: int, views_each: int, distinct: int) -> list[MessageCounts]:
    generator = random.Random(1)
    return [
        MessageCounts(
            message_key(str(number)),
            Counter(str(generator.randrange(distinct)) for _ in range(views_each)),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "views_each"), [(1_000, 1), (10, 100), (1, 1_000)])
def test_a_batch_of_1000_views_costs_at_most_50_write_units(count: int, views_each: int) -> None:
    item_bytes = len(encode(said_by(count, views_each, distinct=100_000))) + 100
    # One more unit counts the segment's arrival.
    assert -(-item_bytes // 1024) + 1 <= 50


def test_a_large_batch_is_parted_into_items() -> None:
    said = said_by(200, 1_000, distinct=10**9)
    parts = list(split(said))
    assert len(parts) > 1
    assert all(len(encode(part)) <= MAX_SEGMENT_BYTES for part in parts)
    assert merge(decode(encode(part)) for part in parts) == merge([decode(encode(said))])


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_damaged_segment_is_never_read(place: int, change: int) -> None:
    data = bytearray(encode(said_by(20, 3, distinct=50)))
    data[place % len(data)] ^= change
    with pytest.raises(UnreadableData):
        decode(bytes(data))


@given(st.binary(max_size=200))
def test_what_is_no_segment_is_never_read(data: bytes) -> None:
    with pytest.raises(UnreadableData):
        decode(data)


@given(st.lists(views, min_size=1, max_size=20))
def test_views_are_read_as_they_were_written(sent: list[View]) -> None:
    assert read_pairs(pairs(sent), NOW_MS, WINDOW_MINUTES) == sent


@pytest.mark.parametrize(
    ("content", "index", "field"),
    [
        ([], 0, "list"),
        ({}, 0, "list"),
        ([["1", NOW_MS]] * (MAX_VIEWS + 1), 0, "list"),
        ([["1", NOW_MS], ["1"]], 1, "pair"),
        ([["1", NOW_MS], "1"], 1, "pair"),
        ([[1, NOW_MS]], 0, "book"),
        ([["", NOW_MS]], 0, "book"),
        ([["a\nb", NOW_MS]], 0, "book"),
        ([["x" * 129, NOW_MS]], 0, "book"),
        ([["1", "now"]], 0, "at"),
        ([["1", 1.5]], 0, "at"),
        ([["1", True]], 0, "at"),
        ([["1", -1]], 0, "at"),
        ([["1", NOW_MS], ["1", NOW_MS - 62 * 60_000]], 1, "at"),
        ([["1", NOW_MS + 61_000]], 0, "at"),
    ],
)
def test_a_bad_view_is_named(content: Any, index: int, field: str) -> None:
    with pytest.raises(InvalidView) as caught:
        read_pairs(content, NOW_MS, WINDOW_MINUTES)
    assert (caught.value.index, caught.value.field) == (index, field)


@pytest.mark.parametrize(
    ("age_ms", "reason"),
    [
        (0, None),
        (3_600_000, None),
        (3_600_001, "is older than the window of 60 minutes"),
        (-60_000, None),
        (-60_001, "is more than a minute in the future"),
    ],
)
def test_only_views_of_the_window_are_taken(age_ms: int, reason: str | None) -> None:
    assert refusal(NOW_MS - age_ms, NOW_MS, WINDOW_MINUTES) == reason


@pytest.mark.parametrize("book", ["1", "a.b_c~d:e@f-g", "x" * 128])
def test_ids_of_books_are_those_of_the_api(book: str) -> None:
    assert is_book(book)
