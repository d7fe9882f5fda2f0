"""CPU of the handler that writes a fan-out, beside the bare requests with the same items.

Arguments: the number of friends, the number of rounds.
"""

import functools
import importlib
import json
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from social import stores
from social.news import News
from social.tasks import app, notify_friends
from taskqueue import clock
from taskqueue.lambdas.clients import CONFIG
from taskqueue.lambdas.wiring import settings, task_store
from taskqueue.message import Message, encode
from tests.benchmarks.lambda_events import LambdaContext, sqs_event
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.wire import RequestLog, observed

_AUTHOR = "timed-author"
_NEWS = "01JDTIMEDNEWS0000000000000"


def main(arguments: Sequence[str]) -> Result:
    """Alternate the two and return the CPU of each round, in milliseconds."""
    friends, rounds = int(arguments[0]), int(arguments[1])
    stores.news().put(News(_NEWS, _AUTHOR, "Counted.", (), clock.now_ms()))
    stores.friends().put_many((_AUTHOR, f"timed-{number:06}") for number in range(friends))
    handler = importlib.import_module("functions.notify_friends.app").handler
    run, log = uuid.uuid4().hex, RequestLog()
    with observed(log):
        handler(json.loads(_event(f"{run}-first")), LambdaContext())
    items = [r.body["RequestItems"] for r in log.requests if r.operation == "BatchWriteItem"]
    if sum(map(_puts, items)) != friends:
        raise BenchmarkError("The handler did not write its deliveries.")
    bare = boto3.client("dynamodb", config=CONFIG)
    _write(bare, items)
    ours, theirs = [], []
    for number in range(rounds):
        event = _event(f"{run}-{number}")
        ours.append(_cpu_ms(functools.partial(_handle, handler, event)))
        theirs.append(_cpu_ms(functools.partial(_write, bare, items)))
    record = task_store().get(f"{run}-{rounds - 1}")
    return {
        "delivered": record.result if record else None,
        "requests": len(items),
        "ours_ms": ours,
        "bare_ms": theirs,
        "ratio": statistics.median(ours) / statistics.median(theirs),
    }


def _event(task_id: str) -> str:
    """The event of one message, as text; its task is on record, as the producer left it."""
    message = Message(notify_friends.name, task_id, args=(_AUTHOR, _NEWS), queue=app.queue)
    task_store().enqueue(message, clock.now_ms())
    return json.dumps(sqs_event([encode(message)], settings().queues[app.queue].arn))


def _handle(handler: Callable[[Any, Any], Any], event: str) -> None:
    """What the Lambda runtime does around a handler is ours too."""
    json.dumps(handler(json.loads(event), LambdaContext()))


def _puts(request_items: Any) -> int:
    return sum(map(len, request_items.values()))


def _write(client: Any, items: Sequence[Any]) -> None:
    for request_items in items:
        client.batch_write_item(RequestItems=request_items)


def _cpu_ms(work: Callable[[], None]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


if __name__ == "__main__":
    report(main)
