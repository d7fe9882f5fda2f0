"""The store of views: one contract for the table, on both engines, and for the fake."""

from typing import TYPE_CHECKING, cast

import pytest

from books.counting import Fold, Head, StoredSegment, ViewStore, count
from books.ranking import Window
from books.segments import by_minute, encode, segment_id, split
from books.summaries import encode_books
from books.view_store import REFRESH_SECONDS, DynamoViewStore
from books.views import MINUTE_MS, View
from tests.contract.conftest import ENGINES
from tests.support.dynamodb_tables import create_table
from tests.unit.books.memory_views import MemoryViewStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE = 29_833_333
NOW_MS = (MINUTE + 1) * MINUTE_MS


@pytest.fixture(params=["memory", *ENGINES])
def store(request: pytest.FixtureRequest) -> ViewStore:
    if request.param == "memory":
        return MemoryViewStore()
    client = cast("DynamoDBClient", request.getfixturevalue(f"{request.param}_dynamodb"))
    return DynamoViewStore(client, create_table(client, "pk", "sk"), window_minutes=60)


def segment(id: str, minute: int = MINUTE, data: bytes = b"data") -> StoredSegment:
    return StoredSegment(minute, id, data)


def test_segments_are_read_as_they_were_appended(store: ViewStore) -> None:
    store.append(segment("b", data=bytes(range(256))))
    store.append(segment("a"))
    store.append(segment("c", MINUTE + 1))
    found = sorted(store.segments(MINUTE), key=lambda one: one.id)
    assert found == [segment("a"), segment("b", data=bytes(range(256)))]
    assert list(store.segments(MINUTE + 2)) == []


def test_a_segment_appended_twice_is_one_that_arrived_twice(store: ViewStore) -> None:
    store.append(segment("a"))
    store.append(segment("a"))
    assert list(store.segments(MINUTE)) == [segment("a")]
    assert store.heads([MINUTE]) == [Head(MINUTE, 2)]


def test_heads_are_of_those_minutes_that_have_one(store: ViewStore) -> None:
    for minute in (MINUTE, MINUTE + 3, MINUTE + 3):
        store.append(segment("a", minute))
    heads = store.heads(range(MINUTE - 110, MINUTE + 10))
    assert heads == [Head(MINUTE, 1), Head(MINUTE + 3, 2)]


def test_more_segments_than_a_page_are_read(store: ViewStore) -> None:
    large = [segment(str(number), data=bytes(340_000)) for number in range(8)]
    for one in large:
        store.append(one)
    assert sorted(store.segments(MINUTE), key=lambda one: one.id) == large


def test_a_head_points_to_the_summary_that_covers_most(store: ViewStore) -> None:
    store.append(segment("a"))
    store.append(segment("b"))
    for fold in (Fold("x", 1, 1, 0), Fold("y", 2, 2, 5), Fold("z", 1, 1, 0)):
        store.point(MINUTE, fold)
    (head,) = store.heads([MINUTE])
    assert head == Head(MINUTE, 2, Fold("y", 2, 2, 5))
    assert head.is_folded
    store.append(segment("c"))
    (head,) = store.heads([MINUTE])
    assert not head.is_folded


def test_a_summary_makes_no_head(store: ViewStore) -> None:
    """A minute whose items have passed away stays away."""
    store.point(MINUTE, Fold("x", 1, 1, 0))
    assert store.heads([MINUTE]) == []


def test_summaries_are_read_whole_or_not_at_all(store: ViewStore) -> None:
    pieces = [bytes([number]) * 300_000 for number in range(3)]
    whole = Fold(store.write_summary(MINUTE, pieces), 3, 1, 0)
    lost = Fold("lost", 1, 1, 0)
    heads = [Head(MINUTE, 1, whole), Head(MINUTE + 1, 1, lost), Head(MINUTE + 2, 1)]
    assert dict(store.summaries(heads[:2])) == {MINUTE: b"".join(pieces)}


def test_a_piece_of_a_list_of_books_is_written_once(store: ViewStore) -> None:
    for number in range(12):
        assert store.add_books(7, number, b"%d" % number)
    assert not store.add_books(7, 0, b"other")
    assert store.books(7) == [b"%d" % number for number in range(12)]
    assert store.books(8) == []


def test_the_places_of_books_are_those_in_the_list(store: ViewStore) -> None:
    assert store.known_books(8) == {}
    for number, books in enumerate((["b", "a"], ["c"])):
        store.add_books(7, number, encode_books(books))
    assert store.known_books(7) == {"b": 0, "a": 1, "c": 2}


def test_a_consumer_looks_for_new_books_after_a_while(
    moto_dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DynamoViewStore(moto_dynamodb, create_table(moto_dynamodb, "pk", "sk"), 60)
    now = 1_000.0
    monkeypatch.setattr("books.view_store.time.monotonic", lambda: now)
    store.add_books(7, 0, encode_books(["a"]))
    assert store.known_books(7) == {"a": 0}
    store.add_books(7, 1, encode_books(["b"]))
    store.add_books(7, 2, b"nonsense")
    assert store.known_books(7) == {"a": 0}
    now += REFRESH_SECONDS
    assert store.known_books(7) == {"a": 0, "b": 1}


def test_a_window_is_counted_and_folded(store: ViewStore) -> None:
    messages = [
        (str(number), [View(str(number % 7), number % 3 * MINUTE_MS + MINUTE * MINUTE_MS)] * 5)
        for number in range(30)
    ]
    for batch in (messages[:20], messages[10:], messages[3:12]):
        for minute, said in by_minute(batch).items():
            for part in split(said):
                store.append(StoredSegment(minute, segment_id(part), encode(part)))
    store.append(segment("broken"))
    window, now_ms = Window(MINUTE - 57, MINUTE + 2), NOW_MS + 9 * MINUTE_MS
    by_segments, by_summaries = count(store, window, now_ms), count(store, window, now_ms)
    assert (by_segments.minutes_folded, by_summaries.minutes_folded) == (3, 0)
    assert sum(by_segments.counts.values()) == 150
    assert by_summaries.counts == by_segments.counts
    assert (by_segments.left_out, by_summaries.left_out) == (1, 1)


def test_what_is_set_aside_is_kept_elsewhere(moto_dynamodb: "DynamoDBClient") -> None:
    name = create_table(moto_dynamodb, "pk", "sk")
    store = DynamoViewStore(moto_dynamodb, name, 60)
    store.set_aside(segment("a"))
    (item,) = moto_dynamodb.scan(TableName=name)["Items"]
    assert (item["pk"], item["data"]) == ({"S": "aside"}, {"B": b"data"})
    assert list(store.segments(MINUTE)) == []


def test_every_item_goes_away_after_its_window(moto_dynamodb: "DynamoDBClient") -> None:
    name = create_table(moto_dynamodb, "pk", "sk")
    store = DynamoViewStore(moto_dynamodb, name, window_minutes=60)
    store.append(segment("a"))
    store.add_books(MINUTE // 60, 0, b"")
    store.write_summary(MINUTE, [b"x"])
    for item in moto_dynamodb.scan(TableName=name)["Items"]:
        assert int(item["ttl"]["N"]) >= (MINUTE + 1) * 60 + 3_600
