"""The functions of books and of beat on the AWS of moto, a new one for each test."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from api.resolver import Api
from books import stores
from taskqueue.lambdas import clients, task_modules, wiring
from tests.support.gateway import Answer, call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

QUEUES = ("views", "rankings")
_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012"
_ARN = "arn:aws:sqs:eu-west-1:123456789012"
# Partition key and, where there is one, sort key.
_TABLES = {
    "TASKS_TABLE": ("id",),
    "VIEWS_TABLE": ("pk", "sk"),
    "RANKINGS_TABLE": ("name", "at"),
    "CATALOGUE_TABLE": ("book_id",),
    "SCHEDULES_TABLE": ("name",),
}
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "TASK_MODULES": "books.tasks",
    "QUEUES": json.dumps(
        {
            queue: {
                "url": f"{_URL}/{queue}",
                "arn": f"{_ARN}:{queue}",
                "dead_letter_url": f"{_URL}/{queue}-dead-letters",
            }
            for queue in QUEUES
        }
    ),
    **{name: name.lower() for name in _TABLES},
}
Send = Callable[..., Answer]
Record = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """What a test looks at behind the API."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"

    def items(self, table: str) -> list[dict[str, Any]]:
        return [dict(item) for item in self.dynamodb.scan(TableName=table)["Items"]]

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """Take all messages that are there, with their attributes."""
        taken: list[dict[str, Any]] = []
        while True:
            response = self.sqs.receive_message(
                QueueUrl=f"{_URL}/{queue}",
                MaxNumberOfMessages=10,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if "Messages" not in response:
                return taken
            taken += [dict(message) for message in response["Messages"]]

    def records(self, queue: str) -> list[Record]:
        """Take all messages as a Lambda function is given them."""
        return [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            for message in self.receive(queue)
        ]

    def take_queue_away(self, queue: str) -> None:
        """Make every send to the queue fail."""
        self.sqs.delete_queue(QueueUrl=f"{_URL}/{queue}")

    def take_table_away(self, table: str) -> None:
        """Make every use of the table fail."""
        self.dynamodb.delete_table(TableName=table)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    _forget()
    with mock_aws():
        for variable, keys in _TABLES.items():
            _create_table(_ENVIRONMENT[variable], keys)
        for queue in QUEUES:
            for name in (queue, f"{queue}-dead-letters"):
                clients.client("sqs").create_queue(QueueName=name)
        yield Stack(clients.client("dynamodb"), clients.client("sqs"))
    _forget()


@pytest.fixture
def write(stack: Stack) -> Send:
    """Send a request to the routes of the write side."""
    from functions.producer import schedules, views

    return _routes(schedules, views)


@pytest.fixture
def read(stack: Stack) -> Send:
    """Send a request to the routes of the read side."""
    from functions.query import rankings, schedules

    return _routes(rankings, schedules)


def _routes(*modules: Any) -> Send:
    api = Api(Logger(service="test"))
    for module in modules:
        api.include_router(module.router)
    return partial(call, api.resolve)


def consume(records: Sequence[Record]) -> list[str]:
    """Run count_views on a batch; return the ids of the messages that come back."""
    from books.consuming import ViewsConsumer
    from books.tasks import _log, _metrics, app, count_views
    from taskqueue.dead_letters.sender import DeadLetterSender

    consumer = ViewsConsumer(
        app=app,
        task=count_views,
        store=stores.views,
        dead_letters=DeadLetterSender(
            clients.client("sqs"), wiring.settings().queues["views"].dead_letter_url
        ),
        window_minutes=stores.settings().window_minutes,
        logger=_log,
        metrics=_metrics,
    )
    answer = consumer.handle({"Records": list(records)})
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def _forget() -> None:
    """Forget the clients and stores of the environment before."""
    made: list[Any] = [
        clients.client,
        wiring.settings,
        wiring.task_store,
        wiring.sender,
        clients._session,
    ]
    made += [stores.views, stores.rankings, stores.catalogue, stores.settings]
    made += [wiring.schedule_store, task_modules.tasks, task_modules.declared]
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
