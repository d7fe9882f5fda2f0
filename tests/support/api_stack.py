"""The API's functions and beat in this process, on an AWS that is empty for each test.

DynamoDB is the local AWS's, since moto's takes no PartiQL that inserts; the others are moto's.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from taskqueue.lambdas import clients
from taskqueue.message import Message, decode
from tests.support.dynamodb_tables import create_named_table
from tests.support.gateway import Answer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

QUEUES = ("notifications", "views", "rankings")
_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012"
_ARN = "arn:aws:sqs:eu-west-1:123456789012"
# Partition key and, where there is one, sort key.
_TABLES = {
    "TASKS_TABLE": ("id",),
    "IDEMPOTENCY_TABLE": ("id",),
    "DEAD_LETTERS_TABLE": ("queue", "id"),
    "SCHEDULES_TABLE": ("name",),
    "NEWS_TABLE": ("news_id",),
    "FRIENDS_TABLE": ("user_id", "friend_id"),
    "FEEDS_TABLE": ("user_id", "news_id"),
    "VIEWS_TABLE": ("pk", "sk"),
    "RANKINGS_TABLE": ("name", "at"),
    "CATALOGUE_TABLE": ("book_id",),
}
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "TASK_MODULES": "social.tasks,books.tasks",
    "FEED_TTL_SECONDS": "3600",
    "RESULT_TTL_SECONDS": "3600",
    "SCHEDULE_GROUP": "delayed-tasks",
    "SCHEDULER_ROLE_ARN": "arn:aws:iam::123456789012:role/scheduler",
    "QUEUES": ",".join(QUEUES),
    "QUEUE_URL_PREFIX": f"{_URL}/",
    "QUEUE_ARN_PREFIX": f"{_ARN}:",
    "DEAD_LETTER_QUEUE_URL": f"{_URL}/dead-letters",
    **{name: name.lower() for name in _TABLES},
}
_OURS = {"taskqueue", "social", "books", "api", "functions"}

Send = Callable[..., Answer]
Record = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    """What a test looks at behind the API."""

    dynamodb: "DynamoDBClient"
    sqs: "SQSClient"

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table."""
        return [dict(item) for item in self.dynamodb.scan(TableName=table)["Items"]]

    def bodies(self, queue: str = "notifications") -> list[str]:
        """The bodies of up to ten messages, which stay on the queue."""
        response = self.sqs.receive_message(
            QueueUrl=f"{_URL}/{queue}", MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [message["Body"] for message in response.get("Messages", [])]

    def messages(self) -> list[Message]:
        """The messages on the notifications queue."""
        return list(map(decode, self.bodies()))

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

    def set_status(self, task_id: str, status: str) -> None:
        """Put a task into a state, as a worker does."""
        [item] = [row for row in self.items("tasks_table") if task_id in row["id"]["S"]]
        self.dynamodb.put_item(TableName="tasks_table", Item={**item, "status": {"S": status}})

    def take_queue_away(self, queue: str = "notifications") -> None:
        """Make every send to the queue fail."""
        self.sqs.delete_queue(QueueUrl=f"{_URL}/{queue}")

    def take_table_away(self, table: str) -> None:
        """Make every use of the table fail."""
        self.dynamodb.delete_table(TableName=table)


@contextmanager
def empty_stack(monkeypatch: pytest.MonkeyPatch, dynamodb_url: str) -> Iterator[Stack]:
    """While our functions, in this process, have empty tables and queues."""
    for name, value in _ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_url)
    _forget()
    with mock_aws(config={"core": {"mock_credentials": False}}):
        dynamodb, sqs = clients.client("dynamodb"), clients.client("sqs")
        for variable, keys in _TABLES.items():
            create_named_table(dynamodb, _ENVIRONMENT[variable], *keys)
        for queue in (*QUEUES, "dead-letters"):
            sqs.create_queue(QueueName=queue)
        clients.client("scheduler").create_schedule_group(Name="delayed-tasks")
        yield Stack(dynamodb, sqs)
        for table in dynamodb.list_tables()["TableNames"]:
            dynamodb.delete_table(TableName=table)
    _forget()


def _forget() -> None:
    """Have our modules make their clients, settings and stores anew."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OURS:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
