"""Rankings in DynamoDB: partition key `name`, sort key `at`, both strings, and TTL `ttl`.

The item `at` = "latest" is what readers get: one read of at most 4 KB. Each ranking is also kept
for a day under the time at which it was computed, 13 digits of milliseconds since the epoch.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from books.ranking import Entry, Ranking, Window
from taskqueue.aws.errors import ConditionFailed, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NAME = "hottest"
LATEST = "latest"
KEPT_SECONDS = 24 * 60 * 60
# One read unit covers 4 KB; key and numbers take a little of it.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
MAX_BODY_BYTES = 4_096 - 120
_TEXT_LENGTHS = (300, 150, 75, 25)


class RankingStore:
    """The table of rankings."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, ranking: Ranking) -> None:
        """Keep the ranking, and make it the latest unless a later one is there.

        Raises:
            StoreError, Throttled: a request failed.
        """
        body = pack(ranking)
        self._put(f"{ranking.computed_at_ms:013d}", ranking, body, "attribute_not_exists(#at)")
        self._put(LATEST, ranking, body, "attribute_not_exists(#at) OR computed_at_ms < :now")

    def latest(self) -> Ranking | None:
        """Return the latest ranking, by one read.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key={"name": {"S": NAME}, "at": {"S": LATEST}}
            )
        item: Any = response.get("Item")
        return unpack(item["body"]["B"]) if item else None

    def at(self, at_ms: int, *, now_ms: int) -> Ranking | None:
        """Return the ranking that was the latest at that time, or None: none is kept.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#name = :name AND #at <= :at",
                # DynamoDB takes days to remove what has expired; all before it has expired, too.
                FilterExpression="#ttl > :now",
                ExpressionAttributeNames={"#name": "name", "#at": "at", "#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":name": {"S": NAME},
                    ":at": {"S": f"{at_ms:013d}"},
                    ":now": {"N": str(now_ms // 1000)},
                },
                ScanIndexForward=False,
                Limit=1,
            )
        items: Sequence[Any] = response["Items"]
        return unpack(items[0]["body"]["B"]) if items else None

    def _put(self, at: str, ranking: Ranking, body: bytes, condition: str) -> None:
        now = {":now": {"N": str(ranking.computed_at_ms)}} if ":now" in condition else {}
        item: Any = {
            "name": {"S": NAME},
            "at": {"S": at},
            "body": {"B": body},
            "computed_at_ms": {"N": str(ranking.computed_at_ms)},
        }
        if at != LATEST:
            item["ttl"] = {"N": str(ranking.computed_at_ms // 1000 + KEPT_SECONDS)}
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#at": "at"},
                    **({"ExpressionAttributeValues": now} if now else {}),  # type: ignore[arg-type]
                )
        except ConditionFailed:
            return  # a later one is there, or this one


def pack(ranking: Ranking) -> bytes:
    """Return the stored form: compressed JSON, its texts shortened if they would not fit 4 KB."""
    for length in _TEXT_LENGTHS:
        entries = [_shortened(entry, length) for entry in ranking.entries]
        body = _packed(replace(ranking, entries=entries))
        if len(body) <= MAX_BODY_BYTES:
            break
    return body


def unpack(body: bytes) -> Ranking:
    """Read the stored form of a ranking."""
    fields = json.loads(zlib.decompress(body))
    window = Window(**fields.pop("window"))
    entries = [Entry(**entry) for entry in fields.pop("entries")]
    return Ranking(entries=entries, window=window, **fields)


def _packed(ranking: Ranking) -> bytes:
    text = json.dumps(asdict(ranking), separators=(",", ":"), ensure_ascii=False)
    return zlib.compress(text.encode(), 9)


def _shortened(entry: Entry, length: int) -> Entry:
    return replace(entry, title=_cut(entry.title, length), authors=_cut(entry.authors, length))


def _cut(text: str | None, length: int) -> str | None:
    return text if text is None or len(text) <= length else f"{text[: length - 1]}…"
