"""Counts read units from the items that DynamoDB answers with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.item_size import item_size_bytes, read_units
from tests.benchmarks.wire import Request


@dataclass
class ReadCounter:
    """An observer (`wire.Observer`) of DynamoDB's reads.

    Each item of a GetItem or BatchGetItem is rounded up by itself, those of a Query together. Items
    of a BatchGetItem that are not there cost a unit too. What a projection leaves out would be
    missed here, so that a read with one is refused.
    """

    requests: int = 0
    units: float = 0
    largest_item_bytes: int = 0

    def before(self, request: Request) -> None:
        return None

    def after(self, request: Request, seen_before: None, answer: dict[str, Any]) -> None:
        """Weigh what a read brought."""
        reads = list(_reads(request, answer)) if request.service == "dynamodb" else []
        self.requests += bool(reads)
        for size, consistent in reads:
            self.units += read_units(size, consistent=consistent)
            self.largest_item_bytes = max(self.largest_item_bytes, size)


def _reads(request: Request, answer: dict[str, Any]) -> Iterator[tuple[int, bool]]:
    """The bytes of each read that is rounded up by itself, and whether it was consistent."""
    body = request.body
    consistent = body.get("ConsistentRead", False)
    match request.operation:
        case "GetItem":
            yield item_size_bytes(answer.get("Item", {})), consistent
        case "Query" | "Scan":
            if "ProjectionExpression" in body:
                raise ValueError("No rule for what a projection leaves out.")
            yield sum(map(item_size_bytes, answer["Items"])), consistent
        case "BatchGetItem":
            yield from _batch_reads(body["RequestItems"], answer["Responses"])


def _batch_reads(asked: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[int, bool]]:
    for table, keys in asked.items():
        items = found.get(table, [])
        consistent = keys.get("ConsistentRead", False)
        for item in items:
            yield item_size_bytes(item), consistent
        for _ in range(len(keys["Keys"]) - len(items)):
            yield 0, consistent
