"""Views in DynamoDB: table with partition key `pk` and sort key `sk`, both strings, and TTL `ttl`.

    pk                   sk                             holds
    minute#<minute>      head                           arrivals, and which summary stands
                         segment#<id>                   `data`: what a consumer batch said
                         summary#<fold id>#<piece>      `data`: a piece of the folded minute
    books#<list number>  piece#<number>                 `data`: a piece of an hour's list of books
    aside                <minute>#<id>                  `data`: a segment that cannot be read

An item is written once; only heads change. Items go away two hours after their window, those set
aside a week after their minute.
"""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from books.counting import Fold, Head, StoredSegment
from books.errors import UnreadableData
from books.summaries import MINUTES_PER_LIST, decode_books
from books.views import MINUTE_MS
from taskqueue.aws.batch_items import Item, get_items
from taskqueue.aws.errors import ConditionFailed, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MINUTE_SECONDS = MINUTE_MS // 1000
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
    """A `ViewStore` on DynamoDB; `window_minutes` is for how long views count."""

    def __init__(self, client: "DynamoDBClient", table: str, window_minutes: int) -> None:
        self._client = client
        self._table = table
        self._kept_seconds = window_minutes * MINUTE_SECONDS + SPARE_SECONDS
        self._known: dict[int, _KnownBooks] = {}

    def append(self, segment: StoredSegment) -> None:
        """Write a segment, then count its arrival: see `books.counting` for why in this order.

        Raises:
            StoreError, Throttled: a request failed; doing it again is harmless.
        """
        key = _key(_minute(segment.minute), f"segment#{segment.id}")
        self._put(key, segment.data, self._ttl(segment.minute))
        with store_errors():
            self._client.update_item(
                TableName=self._table,
                Key=_key(_minute(segment.minute), "head"),
                UpdateExpression="ADD arrivals :one SET #ttl = :ttl",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":ttl": {"N": str(self._ttl(segment.minute))},
                },
            )

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        """Return the heads of those minutes that have one."""
        keys = [_key(_minute(minute), "head") for minute in minutes]
        items = get_items(self._client, self._table, keys, consistent=True)
        return sorted(map(_head, items), key=lambda head: head.minute)

    def segments(self, minute: int) -> list[StoredSegment]:
        """Return the minute's segments."""
        items = self._query(_minute(minute), "segment#", "segment#~")
        return [
            StoredSegment(minute, item["sk"]["S"].partition("#")[2], item["data"]["B"])
            for item in items
        ]

    def set_aside(self, segment: StoredSegment) -> None:
        """Keep a copy of a segment that cannot be read for a week."""
        key = _key("aside", f"{segment.minute}#{segment.id}")
        self._put(key, segment.data, segment.minute * MINUTE_SECONDS + ASIDE_SECONDS)

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
        last_minute = (list_number + 1) * MINUTES_PER_LIST
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        **_key(f"books#{list_number}", _piece(piece_number)),
                        "data": {"B": data},
                        "ttl": {"N": str(self._ttl(last_minute))},
                    },
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConditionFailed:
            return False
        return True

    def write_summary(self, minute: int, pieces: Sequence[bytes]) -> str:
        """Write a summary under an id of its own and return the id."""
        fold_id = uuid.uuid4().hex
        for number, piece in enumerate(pieces):
            self._put(_summary_key(minute, fold_id, number), piece, self._ttl(minute))
        return fold_id

    def point(self, minute: int, fold: Fold) -> None:
        """Point the minute's head to a summary, unless it points to one that covers more.

        Nothing is written for a minute that has no head.
        """
        try:
            with store_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(_minute(minute), "head"),
                    UpdateExpression=(
                        "SET fold_id = :id, pieces = :pieces, covered = :covered, left_out = :out"
                    ),
                    ConditionExpression=(
                        "attribute_exists(arrivals)"
                        " AND (attribute_not_exists(covered) OR covered <= :covered)"
                    ),
                    ExpressionAttributeValues={
                        ":id": {"S": fold.id},
                        ":pieces": {"N": str(fold.pieces)},
                        ":covered": {"N": str(fold.covered)},
                        ":out": {"N": str(fold.left_out)},
                    },
                )
        except ConditionFailed:
            return

    def summaries(self, heads: Sequence[Head]) -> Mapping[int, bytes]:
        """Return the summaries by minute; one of which a piece is missing is left out."""
        keys = [
            _summary_key(head.minute, head.fold.id, number)
            for head in heads
            if head.fold
            for number in range(head.fold.pieces)
        ]
        items = get_items(self._client, self._table, keys, consistent=True)
        found = {(item["pk"]["S"], item["sk"]["S"]): item["data"]["B"] for item in items}
        whole: dict[int, bytes] = {}
        for head in heads:
            wanted = (
                [
                    found.get((_minute(head.minute), _summary_name(head.fold.id, number)))
                    for number in range(head.fold.pieces)
                ]
                if head.fold
                else []
            )
            if None not in wanted:
                whole[head.minute] = b"".join(filter(None, wanted))
        return whole

    def _books_from(self, list_number: int, piece_number: int) -> list[bytes]:
        first, end = _piece(piece_number), "piece#:"
        items = self._query(f"books#{list_number}", first, end)
        return [item["data"]["B"] for item in items]

    def _query(self, partition: str, first: str, last: str) -> list[Item]:
        """Return the items of a partition with sort keys from `first` to `last`, in their order.

        Raises:
            StoreError, Throttled: a request failed.
        """
        items: list[Item] = []
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
            items.extend(dict(item) for item in response["Items"])
            if "LastEvaluatedKey" not in response:
                return items
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def _put(self, key: Item, data: bytes, ttl: int) -> None:
        item = {**key, "data": {"B": data}, "ttl": {"N": str(ttl)}}
        with store_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def _ttl(self, minute: int) -> int:
        return (minute + 1) * MINUTE_SECONDS + self._kept_seconds


def _minute(minute: int) -> str:
    return f"minute#{minute}"


def _piece(number: int) -> str:
    return f"piece#{number:06d}"


def _summary_name(fold_id: str, number: int) -> str:
    return f"summary#{fold_id}#{number}"


def _summary_key(minute: int, fold_id: str, number: int) -> Item:
    return _key(_minute(minute), _summary_name(fold_id, number))


def _key(partition: str, sort: str) -> Item:
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def _head(item: Item) -> Head:
    fold = (
        Fold(
            id=item["fold_id"]["S"],
            pieces=int(item["pieces"]["N"]),
            covered=int(item["covered"]["N"]),
            left_out=int(item["left_out"]["N"]),
        )
        if "fold_id" in item
        else None
    )
    minute = int(item["pk"]["S"].partition("#")[2])
    return Head(minute, int(item["arrivals"]["N"]), fold)
