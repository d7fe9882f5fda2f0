"""Items of a DynamoDB table, many in one request.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import store_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

MAX_KEYS = 100
MAX_PUTS = 25


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

    def get(keys: Sequence[Item]) -> Sequence[Item]:
        with store_errors():
            response = client.batch_get_item(
                RequestItems={table: {"Keys": list(keys), "ConsistentRead": consistent}}
            )
        found.extend(dict(item) for item in response["Responses"].get(table, []))
        unprocessed: Mapping[str, Any] = response.get("UnprocessedKeys") or {}
        return unprocessed[table]["Keys"] if unprocessed else ()

    for batch in itertools.batched(keys, MAX_KEYS, strict=False):
        if patience.ask(get, batch):
            raise Throttled
    return found


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
