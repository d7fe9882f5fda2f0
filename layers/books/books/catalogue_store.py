"""The catalogue of books: table with partition key `book_id`, a string."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from books.batches import Item, batch_get
from books.ranking import BookInfo
from taskqueue.aws.errors import store_errors
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_PUTS = 25
MAX_TRIES = 8


class CatalogueStore:
    """The table of books."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, books: Iterable[str]) -> dict[str, BookInfo]:
        """Return what is known of these books, by id.

        Raises:
            StoreError, Throttled: a request failed.
        """
        keys = [_key(book) for book in dict.fromkeys(books)]
        items = batch_get(self._client, self._table, keys, consistent=False)
        return {
            item["book_id"]["S"]: BookInfo(item["title"]["S"], item["authors"]["S"])
            for item in items
        }

    def put(self, books: Mapping[str, BookInfo]) -> None:
        """Write up to 25 books in one request.

        Raises:
            StoreError: the request failed.
            Throttled: books stayed unwritten.
        """
        requests: Any = {
            self._table: [{"PutRequest": {"Item": _item(*book)}} for book in books.items()]
        }
        for _ in range(MAX_TRIES):
            with store_errors():
                response = self._client.batch_write_item(RequestItems=requests)
            requests = response.get("UnprocessedItems")
            if not requests:
                return
        raise Throttled


def _key(book: str) -> Item:
    return {"book_id": {"S": book}}


def _item(book: str, info: BookInfo) -> Item:
    return {**_key(book), "title": {"S": info.title}, "authors": {"S": info.authors}}
