"""News: table with partition key `news_id`, a string. The body of each is stored here, once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from taskqueue.aws.batch_items import Item, Lookup, get_items
from taskqueue.aws.errors import store_errors
from taskqueue.records.with_item import NewItem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class News(NamedTuple):
    """What a user posted. `photos` are links; `posted_at_ms` is in milliseconds since the epoch."""

    id: str
    author_id: str
    text: str
    photos: tuple[str, ...]
    posted_at_ms: int


class NewsStore:
    """The table of news."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, news: News) -> None:
        """Store the news, in place of any of the same id.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            self._client.put_item(TableName=self._table, Item=_item(news))

    def new_item(self, news: News) -> NewItem:
        """Return the item of news that is not stored yet, to be written with another."""
        return NewItem(self._table, _key(news.id), _item(news))

    def lookup(self, news_id: str) -> Lookup:
        """Return the look-up of news, for a request of several."""
        return Lookup(self._table, _key(news_id))

    def get(self, news_id: str) -> News | None:
        """Return the news, or None when there is none of that id, or none any more.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=_key(news_id), ConsistentRead=True
            )
        item: Any = response.get("Item")
        return read_news(item) if item else None

    def delete(self, news_id: str) -> None:
        """Remove the news; again is harmless. Feeds leave it out from then on.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            self._client.delete_item(TableName=self._table, Key=_key(news_id))

    def batch_get(self, news_ids: Iterable[str]) -> dict[str, News]:
        """Return the news of those of these ids that exist, by id.

        Raises:
            StoreError, Throttled: a request failed.
        """
        keys = [_key(news_id) for news_id in dict.fromkeys(news_ids)]
        found = map(read_news, get_items(self._client, self._table, keys, consistent=False))
        return {news.id: news for news in found}


def _key(news_id: str) -> Item:
    return {"news_id": {"S": news_id}}


def _item(news: News) -> Item:
    return {
        **_key(news.id),
        "author_id": {"S": news.author_id},
        "text": {"S": news.text},
        "photos": {"L": [{"S": link} for link in news.photos]},
        "posted_at_ms": {"N": str(news.posted_at_ms)},
    }


def read_news(item: Item) -> News:
    """Return the news that an item holds."""
    return News(
        id=item["news_id"]["S"],
        author_id=item["author_id"]["S"],
        text=item["text"]["S"],
        photos=tuple(link["S"] for link in item["photos"]["L"]),
        posted_at_ms=int(item["posted_at_ms"]["N"]),
    )
