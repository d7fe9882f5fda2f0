"""The catalogue of books: table with partition key `book_id`, a string."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from books.ranking import BookInfo
from taskqueue.aws.batch_items import Item, get_items, put_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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
        items = get_items(self._client, self._table, keys, consistent=False)
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
        put_items(self._client, self._table, [_item(*book) for book in books.items()])


def _key(book: str) -> Item:
    return {"book_id": {"S": book}}


def _item(book: str, info: BookInfo) -> Item:
    return {**_key(book), "title": {"S": info.title}, "authors": {"S": info.authors}}
