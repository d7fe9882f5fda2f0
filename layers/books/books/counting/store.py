"""Views in DynamoDB; `books.counting.items` says how.

An item is written once; only heads and arrivals change. Items go away two hours after their window,
those set aside a week after their minute.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from books.counting import items
from books.counting.items import Item, key
from books.counting.minutes import Fold, Head, StoredSegment
from books.counting.summaries import MINUTES_PER_LIST, decode_books, list_of
from books.errors import UnreadableData
from taskqueue import clock
from taskqueue.aws.batch_items import get_items
from taskqueue.aws.errors import ConditionFailed, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A ranking that is late still finds the segments of its whole window.
SPARE_SECONDS = 2 * 60 * 60
ASIDE_SECONDS = 7 * 24 * 60 * 60
# How long a consumer goes by a list of books before it looks for new ones.
REFRESH_SECONDS = 20
# A batch has views of two hours at most, but for those that come late.
MAX_KNOWN_LISTS = 3


@dataclass
class _KnownBooks:
    """What this process knows of a list of books: places, and how many pieces it has read."""

    places: dict[str, int]
    pieces: int
    read_at_seconds: float

    def add(self, pieces: Sequence[bytes]) -> None:
        """Add further pieces, up to one that cannot be read."""
        for piece in pieces:
            try:
                books = decode_books(piece)
            except UnreadableData:
                return
            for book in books:
                self.places[book] = len(self.places)
            self.pieces += 1


class DynamoViewStore:
    """A `ViewStore` on DynamoDB.

    Args:
        window_minutes: for how long views count.
        shards: over how many shards segments are spread, 1 to `MAX_SHARDS`; those of any number are
            read.
        now_ms: the clock by which items expire.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        window_minutes: int,
        shards: int = 1,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._client = client
        self._table = table
        self._kept_seconds = window_minutes * items.MINUTE_SECONDS + SPARE_SECONDS
        self._shards = shards
        self._now_ms = now_ms
        self._known: dict[int, _KnownBooks] = {}

    def append(self, segment: StoredSegment) -> None:
        """Write a segment, then count its arrival: see `books.counting.minutes` for the order.

        Raises:
            StoreError, Throttled: a request failed; doing it again is harmless.
        """
        minute, hour = segment.minute, list_of(segment.minute)
        shard = items.shard_of(segment.id, self._shards)
        segment_key = key(items.segments_partition(minute, shard), f"segment#{segment.id}")
        self._put(segment_key, segment.data, self._ttl(minute))
        with store_errors():
            self._client.update_item(
                TableName=self._table,
                Key=items.arrivals_key(hour, shard),
                UpdateExpression="ADD #minute :one SET #ttl = :ttl",
                ExpressionAttributeNames={
                    "#minute": items.arrivals_attribute(minute),
                    "#ttl": "ttl",
                },
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":ttl": {"N": str(self._ttl_of_hour(hour))},
                },
            )

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        """Return the heads of those minutes that have segments, in their order."""
        minutes = list(minutes)
        return items.heads(minutes, self._get(items.head_keys(minutes)))

    def segments(self, head: Head) -> Iterator[StoredSegment]:
        """Return the segments of the head's shards, page by page."""
        for partition in head.arrivals:
            for item in self._query(partition, "segment#", "segment#~"):
                segment_id = item["sk"]["S"].partition("#")[2]
                yield StoredSegment(head.minute, segment_id, item["data"]["B"])

    def set_aside(self, segment: StoredSegment) -> None:
        """Keep a copy of a segment that cannot be read for a week."""
        aside = key("aside", f"{segment.minute}#{segment.id}")
        self._put(aside, segment.data, items.minute_end_seconds(segment.minute) + ASIDE_SECONDS)

    def books(self, list_number: int) -> list[bytes]:
        """Return the pieces of a list of books, in order."""
        return self._books_from(list_number, 0)

    def known_books(self, list_number: int) -> Mapping[str, int]:
        """Return the places of books in a list, as they were at most `REFRESH_SECONDS` ago.

        Raises:
            StoreError, Throttled: a request failed.
        """
        known = self._known.setdefault(list_number, _KnownBooks({}, 0, -REFRESH_SECONDS))
        now_seconds = time.monotonic()
        if now_seconds - known.read_at_seconds >= REFRESH_SECONDS:
            known.add(self._books_from(list_number, known.pieces))
            known.read_at_seconds = now_seconds
        for old in sorted(self._known)[:-MAX_KNOWN_LISTS]:
            del self._known[old]
        return known.places

    def add_books(self, list_number: int, piece_number: int, data: bytes) -> bool:
        """Write the next piece of a list of books; False when another wrote that number first."""
        piece_key = key(items.books_partition(list_number), items.books_piece(piece_number))
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=_item(piece_key, data, self._ttl_of_hour(list_number)),
                    # One that has expired is not read any more: it is as if it were not there.
                    ConditionExpression="attribute_not_exists(pk) OR #ttl <= :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={":now": {"N": str(self._now_seconds())}},
                )
        except ConditionFailed:
            return False
        return True

    def write_summary(self, minute: int, pieces: Sequence[bytes]) -> str:
        """Write a summary under an id of its own and return the id."""
        fold_id = uuid.uuid4().hex
        for number, piece in enumerate(pieces):
            self._put(items.summary_key(minute, fold_id, number), piece, self._ttl(minute))
        return fold_id

    def point(self, minute: int, fold: Fold) -> None:
        """Point the minute's head to a summary, unless it points to one that covers more."""
        try:
            with store_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=items.head_key(minute),
                    UpdateExpression=(
                        "SET fold_id = :id, pieces = :pieces, covered = :covered, left_out = :out,"
                        " #ttl = :ttl"
                    ),
                    ConditionExpression=(
                        "attribute_not_exists(covered) OR covered <= :covered OR #ttl <= :now"
                    ),
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={
                        ":id": {"S": fold.id},
                        ":pieces": {"N": str(fold.pieces)},
                        ":covered": {"N": str(fold.covered)},
                        ":out": {"N": str(fold.left_out)},
                        ":ttl": {"N": str(self._ttl(minute))},
                        ":now": {"N": str(self._now_seconds())},
                    },
                )
        except ConditionFailed:
            return

    def summaries(self, heads: Sequence[Head]) -> Mapping[int, bytes]:
        """Return the summaries by minute; one of which a piece is missing is left out."""
        keys = {
            head.minute: [
                items.summary_key(head.minute, head.fold.id, number)
                for number in range(head.fold.pieces)
            ]
            for head in heads
            if head.fold
        }
        found = self._get([piece for pieces in keys.values() for piece in pieces])
        data = {(item["pk"]["S"], item["sk"]["S"]): item["data"]["B"] for item in found}
        whole: dict[int, bytes] = {}
        for minute, pieces in keys.items():
            parts = [data.get((piece["pk"]["S"], piece["sk"]["S"])) for piece in pieces]
            if None not in parts:
                whole[minute] = b"".join(filter(None, parts))
        return whole

    def _books_from(self, list_number: int, piece_number: int) -> list[bytes]:
        partition = items.books_partition(list_number)
        first, end = items.books_piece(piece_number), "piece#:"
        return [item["data"]["B"] for item in self._query(partition, first, end)]

    def _query(self, partition: str, first: str, last: str) -> Iterator[Item]:
        """Return the items of a partition with sort keys from `first` to `last`, in their order.

        Raises:
            StoreError, Throttled: a request failed.
        """
        start: Item = {}
        while True:
            with store_errors():
                response = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                    ExpressionAttributeValues={
                        ":pk": {"S": partition},
                        ":first": {"S": first},
                        ":last": {"S": last},
                    },
                    ConsistentRead=True,
                    **start,
                )
            yield from self._kept(map(dict, response["Items"]))
            if "LastEvaluatedKey" not in response:
                return
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def _get(self, keys: Sequence[Item]) -> list[Item]:
        return self._kept(get_items(self._client, self._table, keys, consistent=True))

    def _kept(self, found: Iterable[Item]) -> list[Item]:
        now_seconds = self._now_seconds()
        return [item for item in found if items.is_kept(item, now_seconds)]

    def _put(self, item_key: Item, data: bytes, ttl: int) -> None:
        with store_errors():
            self._client.put_item(TableName=self._table, Item=_item(item_key, data, ttl))

    def _ttl(self, minute: int) -> int:
        return items.minute_end_seconds(minute) + self._kept_seconds

    def _ttl_of_hour(self, hour: int) -> int:
        return self._ttl((hour + 1) * MINUTES_PER_LIST)

    def _now_seconds(self) -> int:
        return self._now_ms() // 1000


def _item(item_key: Item, data: bytes, ttl: int) -> Item:
    return {**item_key, "data": {"B": data}, "ttl": {"N": str(ttl)}}
