"""Counts write units: each item written is weighed in its table, before and after the request."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.benchmarks.item_size import item_size_bytes, write_units
from tests.benchmarks.wire import Request
from tests.benchmarks.written import Write, writes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass
class WriteCounter:
    """An observer (`wire.Observer`) of DynamoDB's writes.

    A write costs what the larger of the two forms of its item costs, the one before or the one
    after; one whose condition fails costs the item as it is. So the items are read, not guessed.

    Args:
        client: reads the items; its own requests are not observed.
    """

    client: "DynamoDBClient"
    units: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    largest_bytes: Counter[str] = field(default_factory=Counter)
    _key_names: dict[str, list[str]] = field(default_factory=dict)

    def before(self, request: Request) -> tuple[list[Write], list[int]]:
        """The writes of the request and the bytes of their items before it."""
        if request.service != "dynamodb":
            return [], []
        found = writes(request, self._keys_of)
        return found, [self._size_bytes(write) for write in found]

    def after(
        self, request: Request, seen_before: tuple[list[Write], list[int]], answer: dict[str, Any]
    ) -> None:
        """Weigh the items once more and add up."""
        for write, size_before in zip(*seen_before, strict=True):
            size = max(size_before, self._size_bytes(write))
            self.units[write.table] += write.factor * write_units(size)
            self.items[write.table] += 1
            self.largest_bytes[write.table] = max(self.largest_bytes[write.table], size)

    def _size_bytes(self, write: Write) -> int:
        answer = self.client.get_item(
            TableName=write.table, Key=dict(write.key), ConsistentRead=True
        )
        return item_size_bytes(answer.get("Item", {}))

    def _keys_of(self, table: str) -> list[str]:
        if table not in self._key_names:
            self._key_names[table] = _key_names(self.client, table)
        return self._key_names[table]


def _key_names(client: "DynamoDBClient", table: str) -> list[str]:
    description = client.describe_table(TableName=table)["Table"]
    if description.get("GlobalSecondaryIndexes") or description.get("LocalSecondaryIndexes"):
        raise ValueError(f"{table} has an index, whose writes this count would leave out.")
    return [key["AttributeName"] for key in description["KeySchema"]]
