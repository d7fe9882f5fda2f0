"""The API's functions on an AWS that is empty for each test.

DynamoDB is the local AWS's, since moto's takes no PartiQL that inserts; the others are moto's.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from social import stores
from taskqueue.lambdas import clients, task_modules, wiring
from taskqueue.message import Message, decode
from tests.support.gateway import Answer, call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

QUEUE = "notifications"
_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012"
_ARN = "arn:aws:sqs:eu-west-1:123456789012"
# Partition key and, where there is one, sort key.
_TABLES = {
    "TASKS_TABLE": ("id",),
    "IDEMPOTENCY_TABLE": ("id",),
    "NEWS_TABLE": ("news_id",),
    "FRIENDS_TABLE": ("user_id", "friend_id"),
    "FEEDS_TABLE": ("user_id", "news_id"),
    "DEAD_LETTERS_TABLE": ("queue", "id"),
}
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "TASK_MODULES": "social.tasks",
    "FEED_TTL_SECONDS": "3600",
    "RESULT_TTL_SECONDS": "3600",
    "SCHEDULE_GROUP": "delayed-tasks",
    "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/scheduler",
    "QUEUES": json.dumps(
        {
            QUEUE: {
                "url": f"{_URL}/{QUEUE}",
                "arn": f"{_ARN}:{QUEUE}",
                "dead_letter_url": f"{_URL}/{QUEUE}-dead-letters",
            }
        }
    ),
    **{name: name.lower() for name in _TABLES},
}
Send = Callable[..., Answer]


@dataclass(frozen=True)
class Stack:
    """What a test looks at behind the API."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"

    def items(self, table: str) -> list[dict[str, Any]]:
        return [dict(item) for item in self.dynamodb.scan(TableName=table)["Items"]]

    def bodies(self) -> list[str]:
        response = self.sqs.receive_message(
            QueueUrl=f"{_URL}/{QUEUE}", MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in response.get("Messages", [])]

    def messages(self) -> list[Message]:
        return list(map(decode, self.bodies()))

    def set_status(self, task_id: str, status: str) -> None:
        """Put a task into a state as a worker does, whose PartiQL moto does not know."""
        [item] = [row for row in self.items("tasks_table") if task_id in row["id"]["S"]]
        self.dynamodb.put_item(TableName="tasks_table", Item={**item, "status": {"S": status}})

    def take_queue_away(self) -> None:
        """Make every send to the queue fail."""
        self.sqs.delete_queue(QueueUrl=f"{_URL}/{QUEUE}")


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, ministack_url: str) -> Iterator[Stack]:
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", ministack_url)
    _forget()
    with mock_aws(config={"core": {"mock_credentials": False}}):
        for variable, keys in _TABLES.items():
            _create_table(_ENVIRONMENT[variable], keys)
        for name in (QUEUE, f"{QUEUE}-dead-letters"):
            clients.client("sqs").create_queue(QueueName=name)
        clients.client("scheduler").create_schedule_group(Name="delayed-tasks")
        yield Stack(clients.client("dynamodb"), clients.client("sqs"))
        for table in clients.client("dynamodb").list_tables()["TableNames"]:
            clients.client("dynamodb").delete_table(TableName=table)
    _forget()


@pytest.fixture
def write(stack: Stack) -> Send:
    """Send a request to the write side."""
    from functions.producer.app import handler

    return partial(call, handler)


@pytest.fixture
def read(stack: Stack) -> Send:
    """Send a request to the read side."""
    from functions.query.app import handler

    return partial(call, handler)


def _forget() -> None:
    """Forget the clients and stores of the environment before."""
    from functions.producer import idempotency

    made: list[Any] = [
        clients.client,
        wiring.settings,
        wiring.task_store,
        wiring.sender,
        clients._session,
    ]
    made += [stores.friends, stores.news, stores.feeds]
    made += [wiring.dead_letter_store, task_modules.tasks, idempotency._store]
    for function in made:
        function.cache_clear()


def _create_table(name: str, keys: tuple[str, ...]) -> None:
    clients.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": "RANGE" if number else "HASH"}
            for number, key in enumerate(keys)
        ],
    )
