"""Celery's result metas as Celery's own code reads and writes them: by key, as bytes. And sets.

A key is the text of an item's `id`, as Celery's DynamoDB backend writes it (`records.item`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from taskqueue import clock
from taskqueue.aws.batch_items import get_items
from taskqueue.aws.errors import ConditionFailed, store_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.records.item import Item, has_expired, number, string

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ResultMetas(Protocol):
    """Where metas are kept. Every method may raise `StoreError` or `Throttled`."""

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the metas of those of the keys that have one."""
        ...

    def put(self, key: str, meta: bytes) -> None:
        """Write the meta of something that is no task, such as a group."""
        ...

    def delete(self, key: str) -> None:
        """Remove a meta, if there is one; a task's record stays, by which its messages are told."""
        ...

    def add(self, key: str, member: bytes) -> frozenset[bytes]:
        """Add a member to the set of that key; return the whole set."""
        ...

    def sets(self, keys: Sequence[str]) -> dict[str, frozenset[bytes]]:
        """Return the sets of those of the keys that have one."""
        ...


class DynamoResultMetas:
    """The metas in the table of task records. `ttl_seconds`: how long one is kept."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        ttl_seconds: int,
        patience: Patience = PATIENCE,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._client = client
        self._table = table
        self._ttl_seconds = ttl_seconds
        self._patience = patience
        self._now_ms = now_ms

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        items = self._items(keys)
        return {item["id"]["S"]: bytes(item["result"]["B"]) for item in items if "result" in item}

    def put(self, key: str, meta: bytes) -> None:
        now = self._now_ms() / 1000
        item = {
            "id": string(key),
            "result": {"B": meta},
            "timestamp": number(now),
            "ttl": number(int(now) + self._ttl_seconds),
        }
        with store_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def delete(self, key: str) -> None:
        item: Any = {"TableName": self._table, "Key": {"id": string(key)}}
        try:
            with store_errors():
                self._client.delete_item(
                    **item, ConditionExpression="attribute_not_exists(attempt)"
                )
        except ConditionFailed:
            with suppress(ConditionFailed), store_errors():
                self._client.update_item(
                    **item,
                    UpdateExpression="REMOVE #result",
                    ConditionExpression="attribute_exists(attempt)",
                    ExpressionAttributeNames={"#result": "result"},
                )

    def add(self, key: str, member: bytes) -> frozenset[bytes]:
        with store_errors():
            response = self._client.update_item(
                TableName=self._table,
                Key={"id": string(key)},
                UpdateExpression="ADD members :member SET #ttl = :ttl",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues={
                    ":member": {"BS": [member]},
                    ":ttl": number(self._now_ms() // 1000 + self._ttl_seconds),
                },
                ReturnValues="ALL_NEW",
            )
        return _members(dict(response["Attributes"]))

    def sets(self, keys: Sequence[str]) -> dict[str, frozenset[bytes]]:
        return {item["id"]["S"]: _members(item) for item in self._items(keys)}

    def _items(self, keys: Sequence[str]) -> list[Item]:
        items = get_items(
            self._client,
            self._table,
            [{"id": string(key)} for key in dict.fromkeys(keys)],
            consistent=True,
            patience=self._patience,
        )
        return [item for item in items if not has_expired(item, self._now_ms())]


def _members(item: Item) -> frozenset[bytes]:
    return frozenset(bytes(member) for member in item.get("members", {}).get("BS", []))
