"""The store of views: one contract for the table, on both engines, and for the fake."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import pytest

from books.counting import items
from books.counting.count import count
from books.counting.minutes import Fold, Head, StoredSegment, ViewStore
from books.counting.segments import by_minute, encode, segment_id, split
from books.counting.store import REFRESH_SECONDS, SPARE_SECONDS, DynamoViewStore
from books.counting.summaries import encode_books, list_of
from books.ranking import Window
from books.views import MINUTE_MS, View
from tests.benchmarks.item_size import item_size_bytes
from tests.contract.conftest import ENGINES
from tests.support.dynamodb_tables import create_table
from tests.unit.books.memory_views import MemoryViewStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE = 29_833_333
HOUR = list_of(MINUTE)
NOW_MS = (MINUTE + 1) * MINUTE_MS
WINDOW_MINUTES = 60
SHARDS = 4


@pytest.fixture(params=["memory", *ENGINES])
def store(request: pytest.FixtureRequest) -> ViewStore:
    if request.param == "memory":
        return MemoryViewStore()
    client = cast("DynamoDBClient", request.getfixturevalue(f"{request.param}_dynamodb"))
    return views_of(client, create_table(client, "pk", "sk"))


def views_of(
    client: "DynamoDBClient",
    table: str,
    shards: int = SHARDS,
    now_ms: Callable[[], int] = lambda: NOW_MS,
) -> DynamoViewStore:
    return DynamoViewStore(client, table, WINDOW_MINUTES, shards, now_ms)


def segment(id: str, minute: int = MINUTE, data: bytes = b"data") -> StoredSegment:
    return StoredSegment(minute, id, data)


def head_of(store: ViewStore, minute: int = MINUTE) -> Head:
    [head] = store.heads([minute])
    return head


def segments_of(store: ViewStore, minute: int = MINUTE) -> list[StoredSegment]:
    found = [one for head in store.heads([minute]) for one in store.segments(head)]
    return sorted(found, key=lambda one: one.id)


def test_segments_are_read_as_they_were_appended(store: ViewStore) -> None:
    store.append(segment("b", data=bytes(range(256))))
    store.append(segment("a"))
    store.append(segment("c", MINUTE + 1))
    assert segments_of(store) == [segment("a"), segment("b", data=bytes(range(256)))]
    assert segments_of(store, MINUTE + 2) == []


def test_a_segment_appended_twice_is_one_that_arrived_twice(store: ViewStore) -> None:
    store.append(segment("a"))
    store.append(segment("a"))
    assert segments_of(store) == [segment("a")]
    assert head_of(store).arrived == 2


def test_heads_are_of_those_minutes_that_have_segments(store: ViewStore) -> None:
    for minute in (MINUTE, MINUTE + 3, MINUTE + 3):
        store.append(segment("a", minute))
    heads = store.heads(range(MINUTE - 110, MINUTE + 10))
    assert [(head.minute, head.arrived) for head in heads] == [(MINUTE, 1), (MINUTE + 3, 2)]


def test_more_segments_than_a_page_are_read(store: ViewStore) -> None:
    large = [segment(f"{number:02d}", data=bytes(340_000)) for number in range(16)]
    for one in large:
        store.append(one)
    assert segments_of(store) == large


def test_a_head_points_to_the_summary_that_covers_most(store: ViewStore) -> None:
    store.append(segment("a"))
    store.append(segment("b"))
    for fold in (Fold("x", 1, 1, 0), Fold("y", 2, 2, 5), Fold("z", 1, 1, 0)):
        store.point(MINUTE, fold)
    head = head_of(store)
    assert (head.arrived, head.fold) == (2, Fold("y", 2, 2, 5))
    assert head.is_folded
    store.append(segment("c"))
    assert not head_of(store).is_folded


def test_a_minute_without_segments_has_no_head_whatever_points_to_a_summary(
    store: ViewStore,
) -> None:
    store.point(MINUTE, Fold("x", 1, 1, 0))
    assert store.heads([MINUTE]) == []


def test_summaries_are_read_whole_or_not_at_all(store: ViewStore) -> None:
    pieces = [bytes([number]) * 300_000 for number in range(3)]
    whole = Fold(store.write_summary(MINUTE, pieces), 3, 1, 0)
    lost = Fold("lost", 1, 1, 0)
    heads = [Head(MINUTE, {"": 1}, whole), Head(MINUTE + 1, {"": 1}, lost)]
    assert dict(store.summaries(heads)) == {MINUTE: b"".join(pieces)}


def test_a_piece_of_a_list_of_books_is_written_once(store: ViewStore) -> None:
    for number in range(12):
        assert store.add_books(HOUR, number, b"%d" % number)
    assert not store.add_books(HOUR, 0, b"other")
    assert store.books(HOUR) == [b"%d" % number for number in range(12)]
    assert store.books(HOUR + 1) == []


def test_the_places_of_books_are_those_in_the_list(store: ViewStore) -> None:
    assert store.known_books(HOUR + 1) == {}
    for number, books in enumerate((["b", "a"], ["c"])):
        store.add_books(HOUR, number, encode_books(books))
    assert store.known_books(HOUR) == {"b": 0, "a": 1, "c": 2}


def test_a_consumer_looks_for_new_books_after_a_while(
    moto_dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    store = views_of(moto_dynamodb, create_table(moto_dynamodb, "pk", "sk"))
    now = 1_000.0
    monkeypatch.setattr("books.counting.store.time.monotonic", lambda: now)
    store.add_books(HOUR, 0, encode_books(["a"]))
    assert store.known_books(HOUR) == {"a": 0}
    store.add_books(HOUR, 1, encode_books(["b"]))
    store.add_books(HOUR, 2, b"nonsense")
    assert store.known_books(HOUR) == {"a": 0}
    now += REFRESH_SECONDS
    assert store.known_books(HOUR) == {"a": 0, "b": 1}


def append_batch(store: ViewStore, messages: list[tuple[str, list[View]]]) -> None:
    for minute, said in by_minute(messages).items():
        for part in split(said):
            store.append(StoredSegment(minute, segment_id(part), encode(part)))


def test_a_window_is_counted_and_folded(store: ViewStore) -> None:
    messages = [
        (str(number), [View(str(number % 7), number % 3 * MINUTE_MS + MINUTE * MINUTE_MS)] * 5)
        for number in range(30)
    ]
    for batch in (messages[:20], messages[10:], messages[3:12]):
        append_batch(store, batch)
    store.append(segment("broken"))
    window, now_ms = Window(MINUTE - 57, MINUTE + 2), NOW_MS + 9 * MINUTE_MS
    by_segments, by_summaries = count(store, window, now_ms), count(store, window, now_ms)
    assert (by_segments.minutes_folded, by_summaries.minutes_folded) == (3, 0)
    assert sum(by_segments.counts.values()) == 150
    assert by_summaries.counts == by_segments.counts
    assert (by_segments.left_out, by_summaries.left_out) == (1, 1)


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    return create_table(dynamodb, "pk", "sk")


def items_of(client: "DynamoDBClient", table: str) -> list[items.Item]:
    return [dict(item) for item in client.scan(TableName=table, ConsistentRead=True)["Items"]]


def test_no_partition_has_more_than_its_share_of_a_minute(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    store = views_of(dynamodb, table)
    for number in range(60):
        store.append(segment(str(number)))
    partitions = Counter(item["pk"]["S"] for item in items_of(dynamodb, table))
    assert len(partitions) == 2 * SHARDS
    assert max(partitions.values()) < 30


@pytest.mark.parametrize("shards", [1, 3, items.MAX_SHARDS])
def test_segments_are_read_whatever_the_number_of_shards_when_they_were_written(
    dynamodb: "DynamoDBClient", table: str, shards: int
) -> None:
    messages = [(str(number), [View("a", NOW_MS - 1)]) for number in range(20)]
    for number in range(0, 20, 2):
        append_batch(views_of(dynamodb, table, shards), messages[number : number + 2])
    for number in range(1, 19, 2):
        append_batch(views_of(dynamodb, table), messages[number : number + 2])
    window, after_ms = Window(MINUTE - 59, MINUTE), NOW_MS + MINUTE_MS
    for _ in range(2):
        assert count(views_of(dynamodb, table, 2), window, after_ms).counts == {"a": 20}


def append_unsharded(
    client: "DynamoDBClient", table: str, messages: list[tuple[str, list[View]]]
) -> None:
    """Write as the version before shards did."""
    for minute, said in by_minute(messages).items():
        ttl = {"N": str((minute + 181) * 60)}
        key = items.key(f"minute#{minute}", f"segment#{segment_id(said)}")
        client.put_item(TableName=table, Item={**key, "data": {"B": encode(said)}, "ttl": ttl})
        client.update_item(
            TableName=table,
            Key=items.key(f"minute#{minute}", "head"),
            UpdateExpression="ADD arrivals :one SET #ttl = :ttl",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":one": {"N": "1"}, ":ttl": ttl},
        )


def test_what_was_written_before_there_were_shards_is_counted(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    messages = [(str(number), [View("a", NOW_MS - 1)]) for number in range(9)]
    window, after_ms = Window(MINUTE - 59, MINUTE), NOW_MS + MINUTE_MS
    store = views_of(dynamodb, table)
    append_unsharded(dynamodb, table, messages[:5])
    append_batch(store, messages[3:6])
    assert count(store, window, after_ms).counts == {"a": 6}
    append_unsharded(dynamodb, table, messages[5:8])
    assert count(store, window, after_ms).counts == {"a": 8}
    append_batch(store, messages[7:])
    for folded in (1, 0):
        counted = count(store, window, after_ms)
        assert (counted.counts, counted.minutes_folded) == ({"a": 9}, folded)


def test_what_has_expired_is_not_read_though_it_is_not_removed_yet(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    now_ms = NOW_MS
    store = views_of(dynamodb, table, now_ms=lambda: now_ms)
    append_batch(store, [("1", [View("a", NOW_MS - 1)])])
    window = Window(MINUTE, MINUTE)
    assert count(store, window, NOW_MS + MINUTE_MS).counts == {"a": 1}
    folded = head_of(store)

    now_ms = NOW_MS + (WINDOW_MINUTES * 60 + SPARE_SECONDS + 60 * 60) * 1000
    assert store.heads([MINUTE]) == []
    assert list(store.segments(folded)) == []
    assert dict(store.summaries([folded])) == {}
    assert store.books(HOUR) == []


def test_what_has_expired_is_in_nobodys_way(dynamodb: "DynamoDBClient", table: str) -> None:
    """A window that was made longer reaches minutes whose items were kept for the shorter one."""
    now_ms = NOW_MS
    store = views_of(dynamodb, table, now_ms=lambda: now_ms)
    window = Window(MINUTE, MINUTE)
    append_batch(store, [("1", [View("a", NOW_MS - 1)])])
    append_batch(store, [("2", [View("b", NOW_MS - 1)])])
    assert count(store, window, NOW_MS + MINUTE_MS).counts == {"a": 1, "b": 1}

    now_ms = NOW_MS + 24 * 60 * MINUTE_MS
    longer = DynamoViewStore(dynamodb, table, 48 * 60, SHARDS, lambda: now_ms)
    append_batch(longer, [("3", [View("c", NOW_MS - 1)])])
    assert count(longer, window, now_ms).counts == {"c": 1}
    again = count(longer, window, now_ms)
    assert (again.counts, again.minutes_folded) == ({"c": 1}, 0)


def test_what_is_set_aside_is_kept_elsewhere(dynamodb: "DynamoDBClient", table: str) -> None:
    store = views_of(dynamodb, table)
    store.set_aside(segment("a"))
    [item] = items_of(dynamodb, table)
    assert (item["pk"], item["data"]) == ({"S": "aside"}, {"B": b"data"})
    assert store.heads([MINUTE]) == []


def test_every_item_goes_away_after_its_window(dynamodb: "DynamoDBClient", table: str) -> None:
    store = views_of(dynamodb, table)
    store.append(segment("a"))
    store.add_books(HOUR, 0, b"")
    store.point(MINUTE, Fold(store.write_summary(MINUTE, [b"x"]), 1, 1, 0))
    for item in items_of(dynamodb, table):
        assert int(item["ttl"]["N"]) >= (MINUTE + 1) * 60 + 3_600


def test_the_arrivals_of_an_hour_cost_one_write_unit_each(
    dynamodb: "DynamoDBClient", table: str
) -> None:
    store = views_of(dynamodb, table, shards=1)
    for minute in range(60):
        store.append(segment("a", HOUR * 60 + minute))
    everything = items_of(dynamodb, table)
    [arrivals] = [item for item in everything if item["sk"]["S"] == "arrivals"]
    assert arrivals.keys() >= {str(minute) for minute in range(60)}
    # Two more bytes each for counts of up to 100,000.
    assert item_size_bytes(arrivals) + 60 * 2 <= 1024
