"""Puts of many items: some requests at a time, their items written as JSON at once."""

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from social.jsonitems import JsonItems, write_as_json
from taskqueue.aws.batch_items import MAX_PUTS, Item, put_items
from taskqueue.aws.unprocessed import PATIENCE, Patience

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Enough to hide the network behind the CPU; more would only wait for each other.
IN_FLIGHT = 4


class ParallelPuts:
    """Puts items that hold strings, numbers and lists of them."""

    def __init__(self, client: "DynamoDBClient", patience: Patience = PATIENCE) -> None:
        self._client = client
        self._patience = patience
        write_as_json(client)

    def put(self, table: str, items: Sequence[Item]) -> None:
        """Put the items, each with a key of its own, 25 a request and some requests at a time.

        Raises:
            Throttled: items stayed unprocessed; others may have been written.
            StoreError: a request failed.
        """
        batches = list(itertools.batched(items, MAX_PUTS, strict=False))
        lanes = min(IN_FLIGHT, len(batches))
        remaining = iter(batches)
        if lanes <= 1:
            self._put_batches(table, remaining)
            return
        with ThreadPoolExecutor(lanes) as pool, _ended(remaining):
            list(pool.map(self._put_batches, [table] * lanes, [remaining] * lanes))

    def _put_batches(self, table: str, batches: Iterator[Sequence[Item]]) -> None:
        """Put batches as long as there are any; the threads share the iterator."""
        with _ended(batches):
            for batch in batches:
                put_items(
                    self._client,
                    table,
                    batch,
                    patience=self._patience,
                    request_items=JsonItems,
                )


@contextmanager
def _ended(batches: Iterator[object]) -> Iterator[None]:
    """Empty `batches` at the end, so that after an error no thread begins another request."""
    try:
        yield
    finally:
        deque(batches, maxlen=0)
