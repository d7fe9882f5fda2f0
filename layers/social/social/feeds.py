"""Feeds: table with partition key `user_id` and sort key `news_id`, both strings.

A feed holds ids only; its order is the order of the news' ids, which is that of their times.
`ttl`, the table's TTL attribute, is in seconds since the epoch. Besides its three ids of at most
128 bytes an item has some 40: always under 1 KB, one write unit.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from social.ids import InvalidId, check_id
from social.parallel_puts import ParallelPuts
from taskqueue.aws.batch_items import Item
from taskqueue.aws.errors import store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class InvalidCursor(ValueError):
    """The cursor is not one that a feed's page gave."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class FeedEntry(NamedTuple):
    """One delivery."""

    news_id: str
    author_id: str


class FeedPage(NamedTuple):
    """Part of a feed, newest first; `next_cursor` is None at its end, and only there."""

    entries: tuple[FeedEntry, ...]
    next_cursor: str | None


class FeedStore:
    """The table of feeds."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._puts = ParallelPuts(client)

    def deliver(
        self, user_ids: Iterable[str], news_id: str, author_id: str, expires_at: int
    ) -> int:
        """Put the news into the feeds of these users; return of how many. Again is harmless.

        Args:
            expires_at: when the deliveries vanish, in seconds since the epoch.

        Raises:
            Throttled: some deliveries were not taken; others may have been written.
            StoreError: a request failed.
        """
        news, author, expires = {"S": news_id}, {"S": author_id}, {"N": str(expires_at)}
        # One request must not name a key twice.
        items: list[Item] = [
            {"user_id": {"S": user_id}, "news_id": news, "author_id": author, "ttl": expires}
            for user_id in dict.fromkeys(user_ids)
        ]
        self._puts.put(self._table, items)
        return len(items)

    def page(self, user_id: str, cursor: str | None, limit: int, *, now_ms: int) -> FeedPage:
        """Return, of the next `limit` (at least 1) deliveries, those that have not expired.

        Raises:
            InvalidCursor: the cursor is none of a page's.
            StoreError, Throttled: a request failed.
        """
        after = None if cursor is None else _news_id_of(cursor)
        entries, last = self._query(user_id, after, limit, now_ms)
        return FeedPage(tuple(entries), None if last is None else _cursor(last))

    def _query(
        self, user_id: str, after: str | None, limit: int, now_ms: int
    ) -> tuple[list[FeedEntry], str | None]:
        key = {"user_id": {"S": user_id}, "news_id": {"S": after}} if after else None
        start: dict[str, Any] = {"ExclusiveStartKey": key} if key else {}
        with store_errors():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="user_id = :user",
                # DynamoDB takes days to remove what has expired.
                FilterExpression="#ttl > :now",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":user": {"S": user_id},
                    ":now": {"N": str(now_ms // 1000)},
                },
                ProjectionExpression="news_id, author_id",
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        last = response.get("LastEvaluatedKey")
        entries = [
            FeedEntry(item["news_id"]["S"], item["author_id"]["S"]) for item in response["Items"]
        ]
        return entries, last["news_id"]["S"] if last else None


def _cursor(news_id: str) -> str:
    return base64.urlsafe_b64encode(news_id.encode()).decode().rstrip("=")


def _news_id_of(cursor: str) -> str:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        return check_id(base64.b64decode(padded, altchars=b"-_", validate=True).decode(), "cursor")
    except (binascii.Error, ValueError, InvalidId):
        raise InvalidCursor from None
