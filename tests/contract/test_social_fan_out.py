"""The whole consumer on the local AWS's DynamoDB: what it writes, what it asks, what it counts."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from aws_lambda_powertools import Logger, Metrics

from social import stores, tasks
from social.batches import Batches
from social.feeds import FeedStore
from social.friends import FriendStore
from taskqueue.dynamodb_store import DynamoTaskStore
from taskqueue.inbox import Inbox
from taskqueue.message import Message
from taskqueue.queues import Queue
from taskqueue.records import TaskRecord
from taskqueue.sender import Sender
from taskqueue.worker import Worker
from tests.dynamodb_tables import FEEDS, FRIENDS, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

QUEUE = Queue("notifications", "url", "arn", "dead-letter-url")
HUB = "80"


@dataclass
class MemoryQueue:
    """Stands for SQS: what was sent waits here until it is received."""

    waiting: list[str] = field(default_factory=list)
    requests: Counter[str] = field(default_factory=Counter)

    def send_message(self, *, QueueUrl: str, MessageBody: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.requests["SendMessage"] += 1
        assert QueueUrl == QUEUE.url, "a dead letter"
        self.waiting.append(MessageBody)
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
        self.requests["SendMessageBatch"] += 1
        self.waiting.extend(entry["MessageBody"] for entry in Entries)
        return {}

    def change_message_visibility_batch(self, **_: Any) -> dict[str, Any]:
        return {}

    def receive(self) -> dict[str, Any]:
        bodies, self.waiting = self.waiting[:10], self.waiting[10:]
        return {"Records": [_record(f"m{index}", body) for index, body in enumerate(bodies)]}


def _record(message_id: str, body: str) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "receiptHandle": message_id,
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn",
        "awsRegion": "us-east-1",
        "md5OfBody": "",
    }


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
    queue: MemoryQueue
    sender: Sender
    worker: Worker
    client: "DynamoDBClient"

    def notify(self, task_id: str) -> None:
        message = Message("notify_friends", task_id, (HUB, "n1"), queue="notifications")
        self.sender.send(message, now_ms=1)

    def work(self) -> None:
        while self.queue.waiting:
            self.receive(self.queue.receive())

    def receive(self, event: dict[str, Any]) -> None:
        response = self.worker.handle(event, cast("Any", LambdaContext()))
        returned = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        bodies = {record["messageId"]: record["body"] for record in event["Records"]}
        self.queue.waiting.extend(bodies[message_id] for message_id in returned)

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
    batches = Batches(client)
    friends = FriendStore(client, create_table(client, *FRIENDS), batches)
    feeds_table = create_table(client, *FEEDS)
    feeds = FeedStore(client, feeds_table, batches)
    monkeypatch.setattr(stores, "friends", lambda: friends)
    monkeypatch.setattr(stores, "feeds", lambda: feeds)
    monkeypatch.setenv("FEED_TTL_SECONDS", "3600")
    records = DynamoTaskStore(client, create_table(client, "id"), result_ttl_seconds=60)
    queue = MemoryQueue()
    sender = Sender(cast("Any", queue), records, {"notifications": QUEUE})
    worker = Worker(
        tasks.app,
        records,
        sender,
        Inbox(cast("Any", queue), QUEUE),
        Logger(service="test"),
        Metrics(namespace="test", service="test"),
    )
    return Stack(friends, feeds_table, records, queue, sender, worker, client)


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

    others = counted.total() - counted["BatchWriteItem"] + stack.queue.requests.total()
    assert counted["BatchWriteItem"] == 42
    assert others <= 12, (counted, stack.queue.requests)


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
    assert len(record.parts.planned) == 5


def test_progress_shows_while_parts_are_out(stack: Stack) -> None:
    befriend_hub(stack, 1_045)
    stack.notify("t1")

    stack.receive(stack.queue.receive())
    planned = stack.record("t1")
    last = stack.queue.waiting.pop()
    stack.work()
    halfway = stack.record("t1")
    stack.queue.waiting.append(last)
    stack.work()

    assert planned.status == halfway.status == "PROGRESS"
    assert planned.parts is not None
    assert halfway.parts is not None
    assert (planned.parts.count, planned.parts.planned_count) == (0, 1_045)
    assert (halfway.parts.count, halfway.parts.planned_count) == (1_000, 1_045)
    assert stack.record("t1").result == 1_045


def test_everything_delivered_twice_counts_once(stack: Stack) -> None:
    friends = befriend_hub(stack, 1_045)
    stack.notify("t1")
    first = stack.queue.receive()

    stack.receive(first)
    parts = list(stack.queue.waiting)
    stack.work()
    stack.queue.waiting.extend(parts)
    stack.work()
    stack.receive(first)

    record = stack.record("t1")
    assert (record.status, record.result, record.attempts) == ("SUCCESS", 1_045, 1)
    assert stack.delivered() == Counter(friends)
    assert stack.queue.waiting == []


def test_arguments_that_are_no_ids_fail_the_task(stack: Stack) -> None:
    message = Message("notify_friends", "t1", (80, "n1"), queue="notifications")
    stack.sender.send(message, now_ms=1)
    stack.work()

    record = stack.record("t1")
    assert record.status == "FAILURE"
    assert record.error is not None
    assert record.error.message.startswith("user_id must be 1 to 128 characters")


def test_parts_are_small_messages(stack: Stack) -> None:
    befriend_hub(stack, 1_045)
    stack.notify("t1")

    stack.receive(stack.queue.receive())

    headers = [json.loads(body)["headers"] for body in stack.queue.waiting]
    assert [header["task"] for header in headers] == ["deliver_news", "deliver_news"]
    assert {header["root_id"] for header in headers} == {"t1"}
    assert all(len(body) < 64 * 1024 for body in stack.queue.waiting)
