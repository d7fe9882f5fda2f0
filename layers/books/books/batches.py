"""Reads of many items: keys that DynamoDB leaves unprocessed are asked again after a while."""

import time
from collections.abc import Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import store_errors
from taskqueue.errors import Throttled
from taskqueue.retry import RetryPolicy, backoff_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
# A response holds 16 MB, so large items are left unprocessed without any throttling.
MAX_FRUITLESS_TRIES = 6
_BACKOFF = RetryPolicy(retry_backoff_seconds=0.05)


def batch_get(
    client: "DynamoDBClient", table: str, keys: Sequence[Item], *, consistent: bool
) -> list[Item]:
    """Return the items of these keys that exist, in any order, 100 keys a request.

    Raises:
        Throttled: keys stayed unprocessed.
        StoreError: a request failed.
    """
    return [
        item
        for batch in batched(keys, MAX_KEYS, strict=False)
        for item in _get_batch(client, table, list(batch), consistent=consistent)
    ]


def _get_batch(
    client: "DynamoDBClient", table: str, keys: list[Item], *, consistent: bool
) -> list[Item]:
    found: list[Item] = []
    fruitless = 0
    while fruitless < MAX_FRUITLESS_TRIES:
        with store_errors():
            response = client.batch_get_item(
                RequestItems={table: {"Keys": keys, "ConsistentRead": consistent}}
            )
        items = [dict(item) for item in response["Responses"].get(table, [])]
        found.extend(items)
        unprocessed: Any = response.get("UnprocessedKeys") or {}
        keys = unprocessed[table]["Keys"] if unprocessed else []
        if not keys:
            return found
        if not items:
            time.sleep(backoff_seconds(_BACKOFF, fruitless))
            fruitless += 1
    raise Throttled


def query(
    client: "DynamoDBClient", table: str, partition: str, first: str, last: str
) -> list[Item]:
    """Return the items of a partition with sort keys from `first` to `last`, in their order.

    Raises:
        StoreError, Throttled: a request failed.
    """
    items: list[Item] = []
    start: Item = {}
    while True:
        with store_errors():
            response = client.query(
                TableName=table,
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
