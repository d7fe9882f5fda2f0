"""Items of several tables, read consistently in one request.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from taskqueue.aws.errors import store_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]


class Lookup(NamedTuple):
    """The item of one key of a table."""

    table: str
    key: Item


def look_up(
    client: "DynamoDBClient", lookups: Sequence[Lookup], *, patience: Patience = PATIENCE
) -> list[Item]:
    """Return the items, up to 100, in the order of the look-ups; an empty one where there is none.

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
            table: {"Keys": listed, "ConsistentRead": True} for table, listed in keys.items()
        }
        with store_errors():
            response = client.batch_get_item(RequestItems=requests)
        for table, items in response["Responses"].items():
            found.setdefault(table, []).extend(dict(item) for item in items)
        unprocessed: Mapping[str, Any] = response.get("UnprocessedKeys") or {}
        return [Lookup(table, key) for table, left in unprocessed.items() for key in left["Keys"]]

    if patience.ask(get, lookups):
        raise Throttled
    return [_item_of(one, found.get(one.table, [])) for one in lookups]


def _item_of(lookup: Lookup, items: Sequence[Item]) -> Item:
    return next((item for item in items if lookup.key.items() <= item.items()), {})
