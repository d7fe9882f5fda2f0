"""A fan-out to very many friends: what is delivered, and what is written for it.

Arguments: the number of friends. The environment is the consumer's of notifications.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from aws_lambda_powertools import Logger, Metrics

from social import stores, tasks
from social.friends import FriendPage
from social.news import News
from taskqueue import clock
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.wiring import task_store
from taskqueue.message import Message
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker, lambda_event
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker
from tests.benchmarks.item_size import Item, item_size_bytes, write_units
from tests.benchmarks.lambda_events import LambdaContext
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.wire import RequestLog, observed
from tests.benchmarks.write_counter import WriteCounter

_AUTHOR, _NEWS, _TASK = "large-author", "large-news", "large-task"
_PREFIX = "user-"


class _Friends:
    """So many friends, whose ids hold their numbers."""

    def __init__(self, count: int) -> None:
        self._count = count

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        first = int(after.removeprefix(_PREFIX)) + 1 if after else 0
        ids = tuple(f"{_PREFIX}{n:010}" for n in range(first, min(first + limit, self._count)))
        return FriendPage(ids, ids[-1] if first + limit < self._count else None)


class _Puts:
    """Weighs the deliveries, and counts them by friend."""

    def __init__(self, count: int) -> None:
        self.deliveries = bytearray(count)
        self.units = 0

    def put(self, table: str, items: Sequence[Item]) -> None:
        for item in items:
            self.deliveries[int(item["user_id"]["S"].removeprefix(_PREFIX))] += 1
            self.units += write_units(item_size_bytes(item))


def main(arguments: Sequence[str]) -> Result:
    """Announce one piece of news, and run all that follows."""
    count = int(arguments[0])
    puts, friends = _Puts(count), _Friends(count)
    feeds = stores.feeds()
    feeds._puts = cast("Any", puts)
    stores.friends = cast("Any", lambda: friends)
    stores.news().put(News(_NEWS, _AUTHOR, "Counted.", (), clock.now_ms()))
    log, counter = RequestLog(), WriteCounter(client("dynamodb"))
    started = time.monotonic()
    message = Message("notify_friends", _TASK, (_AUTHOR, _NEWS), queue=tasks.app.queue)
    with observed(log, counter):
        messages, batches = _run(message)
    record = task_store().get(_TASK)
    return {
        "result": record.result if record else None,
        "turns": record.turn + 1 if record else None,
        "once": puts.deliveries.count(1),
        "delivery_units": puts.units,
        "other_units": counter.units.total(),
        "largest_bytes": max(counter.largest_bytes.values()),
        "requests": Counter(request.operation for request in log.requests),
        "messages": messages,
        "batches": batches,
        "seconds": time.monotonic() - started,
    }


def _run(message: Message) -> tuple[int, int]:
    """Send the message and work until the queue is empty; return the messages and the batches."""
    broker = MemoryBroker(clock.now_ms)
    queue, dead_letters = broker.create_queue(tasks.app.queue), broker.create_queue("dead-letters")
    sqs = cast("Any", broker)
    sender = Sender(sqs, task_store(), {queue.name: queue})
    worker = Worker(
        tasks.app,
        task_store(),
        sender,
        Visibility(sqs, queue),
        DeadLetterQueue(sqs, dead_letters.url),
        Logger(service="benchmark"),
        Metrics(namespace="benchmark", service="benchmark"),
    )
    sender.send(message, clock.now_ms())
    messages = batches = 0
    while broker.messages(queue.url):
        received = broker.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10)["Messages"]
        answer = worker.handle(lambda_event(queue, received), LambdaContext())
        if answer["batchItemFailures"]:
            raise BenchmarkError(f"The worker gave messages back: {answer}")
        for one in received:
            broker.delete_message(QueueUrl=queue.url, ReceiptHandle=one["ReceiptHandle"])
        messages, batches = messages + len(received), batches + 1
    return messages, batches


if __name__ == "__main__":
    report(main)
