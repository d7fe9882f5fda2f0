"""Requests of many items: what DynamoDB leaves unprocessed is asked again after a while."""

import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from social.jsonitems import JsonItems, write_as_json
from taskqueue.aws.errors import store_errors
from taskqueue.errors import Throttled
from taskqueue.retry import RetryPolicy, Uniform, backoff_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, dict[str, Any]]

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_PUTS = 25
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_KEYS = 100
# Enough to hide the network behind the CPU; more would only wait for each other.
IN_FLIGHT = 4
# Two seconds at most: beyond, the task itself is tried again, later and in another invocation.
MAX_TRIES = 6

_BACKOFF = RetryPolicy(retry_backoff_seconds=0.05)


class Batches:
    """Batch reads and writes of items that hold strings, numbers and lists of them.

    `sleep` and `uniform` are replaced in tests.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        sleep: Callable[[float], None] = time.sleep,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._uniform = uniform
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

    def get(self, table: str, keys: Sequence[Item]) -> list[Item]:
        """Return the items of these keys that exist, in any order, 100 a request.

        Raises:
            Throttled: keys stayed unprocessed.
            StoreError: a request failed.
        """
        found: list[Item] = []
        for batch in itertools.batched(keys, MAX_KEYS, strict=False):
            found.extend(self._get_batch(table, list(batch)))
        return found

    def _put_batches(self, table: str, batches: Iterator[Sequence[Item]]) -> None:
        """Put batches as long as there are any; lanes share the iterator."""
        with _ended(batches):
            for batch in batches:
                self._put_batch({table: [{"PutRequest": {"Item": item}} for item in batch]})

    def _put_batch(self, requests: Any) -> None:
        for attempt in range(MAX_TRIES):
            self._wait(attempt)
            with store_errors():
                response = self._client.batch_write_item(RequestItems=JsonItems(requests))
            requests = response.get("UnprocessedItems")
            if not requests:
                return
        raise Throttled

    def _get_batch(self, table: str, keys: list[Item]) -> list[Item]:
        found: list[Item] = []
        requests: Any = {table: {"Keys": keys}}
        for attempt in range(MAX_TRIES):
            self._wait(attempt)
            with store_errors():
                response = self._client.batch_get_item(RequestItems=requests)
            found.extend(response["Responses"].get(table, []))  # type: ignore[arg-type]
            requests = response.get("UnprocessedKeys")
            if not requests:
                return found
        raise Throttled

    def _wait(self, attempt: int) -> None:
        if attempt:
            self._sleep(backoff_seconds(_BACKOFF, attempt - 1, self._uniform))


@contextmanager
def _ended(batches: Iterator[object]) -> Iterator[None]:
    """Leave nothing of `batches`: after an error, or a time limit, no lane begins a request."""
    try:
        yield
    finally:
        deque(batches, maxlen=0)
