"""All records in some states, read from the whole table.

The table has no index by state: one would cost each write of a record as much again. So a listing
reads every record, in pages of 1 MB, which is half a read unit for each 4 KB of the table:
for people and their tools, not for what runs often.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from taskqueue.aws.batch_items import get_items
from taskqueue.aws.errors import store_errors
from taskqueue.records import states
from taskqueue.records.item import (
    Item,
    has_expired,
    item_key,
    number,
    read_held,
    read_record,
    string,
    task_id_of,
)
from taskqueue.records.lease import Held, claimed
from taskqueue.records.record import TaskRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Listed(NamedTuple):
    """A task as it is listed. `args`, `kwargs`: None where its record does not keep them."""

    record: TaskRecord
    held: Held
    args: Sequence[Any] | None
    kwargs: dict[str, Any] | None

    def is_active(self, now_ms: int) -> bool:
        """Whether a worker runs it."""
        return self.record.status == states.STARTED and self.held.lease_until_ms > now_ms

    def is_waiting(self, now_ms: int) -> bool:
        """Whether it is due and waits for a worker, be it one after a worker that died."""
        return self._is_to_run(now_ms) and not self.is_scheduled(now_ms)

    def is_scheduled(self, now_ms: int) -> bool:
        """Whether it waits for its time."""
        return self.record.status in states.WAITING and (self.record.due_at_ms or 0) > now_ms

    @property
    def is_again(self) -> bool:
        """Whether a worker has died over it."""
        return self.held.attempt > 0 and claimed(self.held).lost > 0

    def _is_to_run(self, now_ms: int) -> bool:
        is_lost = self.record.status == states.STARTED and not self.is_active(now_ms)
        return self.record.status in states.WAITING or is_lost


def tasks_in(
    client: "DynamoDBClient", table: str, statuses: Sequence[str], now_ms: int
) -> Iterator[Listed]:
    """Yield the tasks in these states.

    Raises:
        StoreError, Throttled: a page could not be read.
    """
    values: dict[str, Any] = {f":{index}": string(one) for index, one in enumerate(statuses)}
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression=f"#status IN ({', '.join(values)}) AND #ttl > :now",
        ExpressionAttributeNames={"#status": "status", "#ttl": "ttl"},
        ExpressionAttributeValues={**values, ":now": number(now_ms // 1000)},
    )
    with store_errors():
        for page in pages:
            yield from (read_listed(dict(item)) for item in page["Items"])


def tasks_with_ids(
    client: "DynamoDBClient", table: str, task_ids: Sequence[str], now_ms: int
) -> Iterator[Listed]:
    """Yield those of these tasks that have a record.

    Raises:
        StoreError, Throttled: they could not be read.
    """
    keys = [item_key(task_id) for task_id in dict.fromkeys(task_ids)]
    for item in get_items(client, table, keys, consistent=True):
        if not has_expired(item, now_ms):
            yield read_listed(item)


def read_listed(item: Item) -> Listed:
    """Return the task that an item holds."""
    return Listed(read_record(task_id_of(item), item), read_held(item), *_arguments(item))


def _arguments(item: Item) -> tuple[Sequence[Any] | None, dict[str, Any] | None]:
    try:
        meta = json.loads(bytes(item["result"]["B"]))
        return meta.get("args"), meta.get("kwargs")
    except (KeyError, ValueError, AttributeError):
        return None, None
