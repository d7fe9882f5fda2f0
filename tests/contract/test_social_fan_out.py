"""The whole consumer on the local AWS's DynamoDB: what it writes, what it asks, what it counts."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger, Metrics

from social import stores, tasks
from social.feeds import FeedStore
from social.friends import FriendStore
from social.news import News, NewsStore
from social.part_state import PartReader
from taskqueue import clock
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.message import Message
from taskqueue.queue import Queue
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.record import TaskRecord
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker, lambda_event
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker
from tests.support.dynamodb_tables import FEEDS, FRIENDS, NEWS, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

HUB = "80"


@dataclass
class CountingBroker(MemoryBroker):
    """Counts the requests that send."""

    requests: Counter[str] = field(default_factory=Counter)

    def send_message(self, **request: Any) -> dict[str, Any]:
        self.requests["SendMessage"] += 1
        return super().send_message(**request)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.requests["SendMessageBatch"] += 1
        return super().send_message_batch(**request)


class LambdaContext:
    """A minute for each invocation."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass
class Stack:
    """A consumer of the notifications queue with its tables."""

    friends: FriendStore
    feeds_table: str
    records: DynamoTaskStore
    broker: CountingBroker
    queue: Queue
    sender: Sender
    worker: Worker
    client: "DynamoDBClient"

    def notify(self, task_id: str, *args: Any) -> None:
        message = Message("notify_friends", task_id, args or (HUB, "n1"), queue=self.queue.name)
        self.sender.send(message, clock.now_ms())

    def work(self) -> None:
        while self.work_once():
            pass

    def work_once(self, most: int = 10) -> int:
        """Receive a batch and acknowledge what was handled; return how many were received."""
        url = self.queue.url
        received = self.broker.receive_message(QueueUrl=url, MaxNumberOfMessages=most)["Messages"]
        event = lambda_event(self.queue, received)
        response = self.worker.handle(event, cast("Any", LambdaContext()))
        returned = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for message in received:
            if message["MessageId"] not in returned:
                receipt = message["ReceiptHandle"]
                self.broker.delete_message(QueueUrl=url, ReceiptHandle=receipt)
        return len(received)

    def bodies(self) -> list[str]:
        return [message.body for message in self.broker.messages(self.queue.url)]

    def deliver_again(self, bodies: Iterable[str]) -> None:
        for body in bodies:
            self.broker.send_message(QueueUrl=self.queue.url, MessageBody=body)

    def record(self, task_id: str) -> TaskRecord:
        record = self.records.get(task_id)
        assert record is not None
        return record

    def delivered(self) -> Counter[str]:
        pages = self.client.get_paginator("scan").paginate(TableName=self.feeds_table)
        return Counter(item["user_id"]["S"] for page in pages for item in page["Items"])


@pytest.fixture
def stack(ministack_dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Stack:
    client = ministack_dynamodb
    friends = FriendStore(client, create_table(client, *FRIENDS))
    feeds_table = create_table(client, *FEEDS)
    feeds = FeedStore(client, feeds_table)
    news = NewsStore(client, create_table(client, *NEWS))
    news.put(News("n1", HUB, "text", (), 0))
    monkeypatch.setattr(stores, "news", lambda: news)
    monkeypatch.setattr(stores, "friends", lambda: friends)
    monkeypatch.setattr(stores, "feeds", lambda: feeds)
    monkeypatch.setenv("FEED_TTL_SECONDS", "3600")
    records = DynamoTaskStore(client, create_table(client, "id"), result_ttl_seconds=60)
    monkeypatch.setattr(stores, "parts", lambda: PartReader(client, news, records))
    broker = CountingBroker(clock.now_ms)
    queue = broker.create_queue("notifications")
    sqs = cast("SQSClient", broker)
    sender = Sender(sqs, records, {queue.name: queue})
    logger, metrics = Logger(service="test"), Metrics(namespace="test", service="test")
    visibility = Visibility(sqs, queue)
    dead_letters = DeadLetterQueue(sqs, broker.create_queue("dead-letters").url)
    worker = Worker(tasks.app, records, sender, visibility, dead_letters, logger, metrics)
    return Stack(friends, feeds_table, records, broker, queue, sender, worker, client)


@pytest.fixture
def requests(stack: Stack) -> Iterator[Callable[[], Counter[str]]]:
    """Count the requests to DynamoDB by operation, from when it is called first."""
    counted: Counter[str] = Counter()

    def count(model: Any, **_: object) -> None:
        counted[model.name] += 1

    def begin() -> Counter[str]:
        stack.client.meta.events.register("before-call.dynamodb", count, unique_id="count")
        return counted

    yield begin
    stack.client.meta.events.unregister("before-call.dynamodb", unique_id="count")


def befriend_hub(stack: Stack, count: int) -> set[str]:
    friends = [f"f{number:05}" for number in range(count)]
    stack.friends.put_many((HUB, friend) for friend in friends)
    stack.friends.befriend("f00000", "stranger")
    return set(friends)


@pytest.mark.parametrize("count", [1, 1_000, 1_045])
def test_every_friend_has_the_news_and_the_result_is_how_many(stack: Stack, count: int) -> None:
    friends = befriend_hub(stack, count)

    stack.notify("t1")
    stack.work()

    record = stack.record("t1")
    assert (record.status, record.result) == ("SUCCESS", count)
    assert stack.delivered() == Counter(friends)


def test_without_friends_the_result_is_none_delivered(stack: Stack) -> None:
    stack.notify("t1")
    stack.work()

    assert (stack.record("t1").status, stack.record("t1").result) == ("SUCCESS", 0)


def test_a_hub_costs_42_writes_and_few_other_requests(
    stack: Stack, requests: Callable[[], Counter[str]]
) -> None:
    befriend_hub(stack, 1_045)
    counted = requests()

    stack.notify("t1")
    stack.work()

    others = counted.total() - counted["BatchWriteItem"] + stack.broker.requests.total()
    assert counted["BatchWriteItem"] == 42
    assert others <= 12, (counted, stack.broker.requests)


def test_very_many_friends_are_served_page_by_page(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("social.fanout.CHUNK_SIZE", 30)
    monkeypatch.setattr("social.notifying.PAGE_SIZE", 100)
    friends = befriend_hub(stack, 450)

    stack.notify("t1")
    stack.work()

    record = stack.record("t1")
    assert (record.status, record.result) == ("SUCCESS", 450)
    assert stack.delivered() == Counter(friends)
    assert record.parts is not None
    assert (record.parts.plan.parts, record.parts.count) == (18, 450)


def test_progress_shows_while_parts_are_out(stack: Stack) -> None:
    befriend_hub(stack, 1_045)
    stack.notify("t1")

    seen = []
    for _ in range(3):
        stack.work_once(most=1)
        record = stack.record("t1")
        assert record.parts is not None
        (shard,) = stack.records.shards("t1", [0])
        seen.append((record.status, shard.count, record.parts.plan.count))

    assert seen == [("PROGRESS", 0, 1_045), ("PROGRESS", 1_000, 1_045), ("SUCCESS", 1_045, 1_045)]
    assert stack.record("t1").result == 1_045


def test_everything_delivered_twice_counts_once(stack: Stack) -> None:
    friends = befriend_hub(stack, 1_045)
    stack.notify("t1")
    task = stack.bodies()
    stack.work_once()
    parts = stack.bodies()
    stack.work()

    stack.deliver_again([*parts, *task])
    stack.work()

    record = stack.record("t1")
    assert (record.status, record.result, record.attempts) == ("SUCCESS", 1_045, 1)
    assert stack.delivered() == Counter(friends)
    assert stack.bodies() == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((80, "n1"), "user_id must be 1 to 128 characters"),
        (("80", "../n1"), "news_id must be 1 to 128 characters"),
        (("80", "n" * 10_000), "news_id must be 1 to 128 characters"),
    ],
)
def test_arguments_that_are_no_ids_fail_the_task(
    stack: Stack, arguments: tuple[Any, ...], problem: str
) -> None:
    stack.notify("t1", *arguments)
    stack.work()

    record = stack.record("t1")
    assert record.status == "FAILURE"
    assert record.error is not None
    assert record.error.message.startswith(problem)


def test_parts_are_small_messages(stack: Stack) -> None:
    befriend_hub(stack, 1_045)
    stack.notify("t1")

    stack.work_once()

    headers = [json.loads(body)["headers"] for body in stack.bodies()]
    assert [header["task"] for header in headers] == ["deliver_news", "deliver_news"]
    assert {header["root_id"] for header in headers} == {"t1"}
    assert all(len(body) < 64 * 1024 for body in stack.bodies())
