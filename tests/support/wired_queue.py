"""A queue and tables on the local AWS, and what delivers its messages to a consumer's handler."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from taskqueue.lambdas import clients, wiring
from taskqueue.queue import Queue
from taskqueue.testing.broker import lambda_event
from tests.support.dynamodb_tables import create_table
from tools.local.ministack import client_environ

_CACHED: list[Any] = [
    clients.client,
    clients._session,
    wiring.settings,
    wiring.task_store,
    wiring.result_metas,
    wiring.sender,
    wiring.dead_letter_queue,
    wiring.schedule_store,
    wiring.task_client,
]


@contextmanager
def wired_queue(name: str, endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Make the queue of that logical name and tables, and set the environment as the template."""
    for variable, value in client_environ({}, endpoint_url).items():
        monkeypatch.setenv(variable, value)
    _forget_all()
    sqs: Any = clients.client("sqs")
    stack = f"test-{uuid.uuid4().hex[:12]}"
    url, dead_letters_url = (
        sqs.create_queue(QueueName=f"{stack}-{one}")["QueueUrl"] for one in (name, "dead")
    )
    arn_prefix = f"arn:aws:sqs:us-east-1:000000000000:{stack}-"
    monkeypatch.setenv("QUEUES", name)
    monkeypatch.setenv("QUEUE_URL_PREFIX", url.removesuffix(name))
    monkeypatch.setenv("QUEUE_ARN_PREFIX", arn_prefix)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", dead_letters_url)
    monkeypatch.setenv("TASKS_TABLE", create_table(clients.client("dynamodb"), "id"))
    monkeypatch.setenv("SCHEDULES_TABLE", create_table(clients.client("dynamodb"), "name"))
    yield Queue(name, url, f"{arn_prefix}{name}")
    _forget_all()


def _forget_all() -> None:
    for function in _CACHED:
        function.cache_clear()


@dataclass
class Invocation:
    """A Lambda context."""

    function_name: str = "test"
    function_version: str = "1"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def deliver(handler: Any, queue: Queue, *, twice: bool = False) -> int:
    """Take a batch and run it, as Lambda does; return how many messages there were."""
    sqs: Any = clients.client("sqs")
    received = sqs.receive_message(
        QueueUrl=queue.url,
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
        WaitTimeSeconds=1,
    ).get("Messages", [])
    if not received:
        return 0
    event = lambda_event(queue, received)
    response = handler(event, Invocation())
    if twice:
        handler(event, Invocation())
    kept = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    for message in received:
        if message["MessageId"] not in kept:
            sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
    return len(received)
