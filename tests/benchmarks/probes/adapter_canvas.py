"""A plain task, a chain and a chord of a Celery app: requests, write units and the largest item.

Arguments: how many tasks the chain has, and how many parts the chord. The environment is the
consumer's.
"""

import importlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from celery import chain, chord

from taskqueue.lambdas.clients import client
from taskqueue.lambdas.wiring import settings
from tests.benchmarks.item_size import item_size_bytes
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.queue_pump import drain
from tests.benchmarks.wire import RequestLog, observed
from tests.benchmarks.write_counter import WriteCounter

# The result of a group, which Celery's clients write and read as one item (`celery.backends.base`).
_GROUP = "b'celery-taskset-meta-"


def main(arguments: Sequence[str]) -> Result:
    """Run each alone, and count."""
    length, parts = map(int, arguments)
    consumer = importlib.import_module("celery_consumer")
    noop, count = consumer.noop, consumer.count
    links = [noop.s() for _ in range(length - 1)]
    header = [noop.s(number) for number in range(parts)]
    runs = {
        "plain": _run(consumer, noop.s(1), 1),
        "chain": _run(consumer, chain(noop.s(1), *links), 1),
        "chord": _run(consumer, chord(header, count.s()), parts),
    }
    items = _item_bytes()
    groups = [size for key, size in items.items() if key.startswith(_GROUP)]
    others = [size for key, size in items.items() if not key.startswith(_GROUP)]
    return {**runs, "group_bytes": max(groups), "largest_bytes": max(others)}


def _run(consumer: Any, signature: Any, expected: int) -> Result:
    """Send a signature, and run all that follows; what it must come to is given."""
    log, counter = RequestLog(), WriteCounter(client("dynamodb"))
    with observed(log, counter):
        result = signature.apply_async()
        drain(client("sqs"), settings().queues["notifications"], consumer.handler)
    if result.get(timeout=1) != expected:
        raise BenchmarkError(f"{signature.task} came to {result.state}.")
    return {
        "requests": Counter(f"{one.service} {one.operation}" for one in log.requests),
        "units": sum(counter.units.values()),
    }


def _item_bytes() -> dict[str, int]:
    """Return the bytes of the items in the table, by their ids."""
    pages = client("dynamodb").get_paginator("scan").paginate(TableName=settings().tasks_table)
    return {item["id"]["S"]: item_size_bytes(item) for page in pages for item in page["Items"]}


if __name__ == "__main__":
    report(main)
