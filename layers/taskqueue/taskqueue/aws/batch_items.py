"""Items of DynamoDB tables, many in one request.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from taskqueue.aws.errors import store_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

MAX_KEYS = 100
MAX_PUTS = 25


class Lookup(NamedTuple):
    """The item of one key of a table."""

    table: str
    key: Item


def get_items(
    client: "DynamoDBClient",
    table: str,
    keys: Sequence[Item],
    *,
    consistent: bool,
    patience: Patience = PATIENCE,
) -> list[Item]:
    """Return the items of these keys that exist, in any order, 100 keys a request.

    Raises:
        Throttled: keys stayed unprocessed.
        StoreError: a request failed.
    """
    found: list[Item] = []
    for batch in itertools.batched(keys, MAX_KEYS, strict=False):
        lookups = [Lookup(table, key) for key in batch]
        items = _items_by_table(client, lookups, consistent=consistent, patience=patience)
        found.extend(items.get(table, []))
    return found


def look_up(
    client: "DynamoDBClient", lookups: Sequence[Lookup], *, patience: Patience = PATIENCE
) -> list[Item]:
    """Return the items, up to 100, in the order of the look-ups; an empty one where there is none.

    They are read consistently.

    Raises:
        Throttled: keys stayed unprocessed.
        StoreError: a request failed.
    """
    found = _items_by_table(client, lookups, consistent=True, patience=patience)
    return [_item_of(one, found.get(one.table, [])) for one in lookups]


def put_items(
    client: "DynamoDBClient",
    table: str,
    items: Sequence[Item],
    *,
    patience: Patience = PATIENCE,
    request_items: Callable[[Item], Any] = dict,
) -> None:
    """Put up to 25 items, each with a key of its own, in one request.

    `request_items` gives the requests the form that the client wants.

    Raises:
        Throttled: items stayed unprocessed; others may have been written.
        StoreError: a request failed.
    """

    def put(puts: Sequence[Item]) -> Sequence[Item]:
        with store_errors():
            response = client.batch_write_item(RequestItems=request_items({table: list(puts)}))
        unprocessed: Mapping[str, Any] = response.get("UnprocessedItems") or {}
        return unprocessed[table] if unprocessed else ()

    if patience.ask(put, [{"PutRequest": {"Item": item}} for item in items]):
        raise Throttled


def _items_by_table(
    client: "DynamoDBClient", lookups: Sequence[Lookup], *, consistent: bool, patience: Patience
) -> Mapping[str, list[Item]]:
    """Return the items that there are of up to 100 look-ups, in any order.

    Raises:
        Throttled: keys stayed unprocessed.
        StoreError: a request failed.
    """
    found: dict[str, list[Item]] = {}

    def get(asked: Sequence[Lookup]) -> Sequence[Lookup]:
        keys: dict[str, list[Item]] = {}
        for one in asked:
            keys.setdefault(one.table, []).append(one.key)
        requests: Any = {
            table: {"Keys": listed, "ConsistentRead": consistent} for table, listed in keys.items()
        }
        with store_errors():
            response = client.batch_get_item(RequestItems=requests)
        for table, items in response["Responses"].items():
            found.setdefault(table, []).extend(dict(item) for item in items)
        unprocessed: Mapping[str, Any] = response.get("UnprocessedKeys") or {}
        return [Lookup(table, key) for table, left in unprocessed.items() for key in left["Keys"]]

    if patience.ask(get, lookups):
        raise Throttled
    return found


def _item_of(lookup: Lookup, items: Sequence[Item]) -> Item:
    return next((item for item in items if lookup.key.items() <= item.items()), {})
