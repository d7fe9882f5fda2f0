"""Puts the parts together inside a Lambda function: clients, store, sender, consumer.

Clients come straight from botocore: boto3 would add its resources, which nothing here uses, to
every cold start.
"""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

import botocore.session
from botocore.config import Config

from taskqueue.app import App
from taskqueue.delayed import DelayedSends
from taskqueue.dynamodb_store import DynamoTaskStore
from taskqueue.sender import Sender
from taskqueue.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient

Handler = Callable[[dict[str, Any], "LambdaContext"], Any]

# botocore checks nothing that the service does not check, and would build its user agent anew for
# every request. Timeouts are far below a function's own, so that a retry can still help.
CONFIG = Config(
    parameter_validation=False,
    user_agent="taskqueue",
    connect_timeout=2,
    read_timeout=5,
    tcp_keepalive=True,
    max_pool_connections=16,
    retries={"mode": "standard", "max_attempts": 5},
)


@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["sqs"]) -> "SQSClient": ...
@overload
def client(service: Literal["scheduler"]) -> "EventBridgeSchedulerClient": ...
@functools.cache
def client(service: str) -> Any:
    """Return this process's one client of an AWS service."""
    return _session().create_client(service, config=CONFIG)


@functools.cache
def settings() -> Settings:
    """Return the settings in this process's environment."""
    return Settings.of(os.environ)


@functools.cache
def task_store() -> DynamoTaskStore:
    """Return the store of task records."""
    return DynamoTaskStore(
        client("dynamodb"), settings().tasks_table, settings().result_ttl_seconds
    )


@functools.cache
def sender() -> Sender:
    """Return the sender of task messages."""
    delayed = DelayedSends(
        lambda: client("scheduler"), settings().schedule_group, settings().scheduler_role_arn
    )
    return Sender(client("sqs"), task_store(), settings().queues, delayed)


def metrics_namespace() -> str:
    """Return the namespace of this stack's metrics, so that two stacks do not mix theirs."""
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "TaskQueue")


def consumer(app: App) -> Handler:
    """Return the handler of the Lambda that runs the tasks of `app`: all that it needs."""
    from aws_lambda_powertools import Logger, Metrics

    from taskqueue.inbox import Inbox
    from taskqueue.worker import Worker

    logger = Logger(service=app.name)
    worker = Worker(
        app=app,
        store=task_store(),
        sender=sender(),
        inbox=Inbox(client("sqs"), settings().queues[app.queue]),
        logger=logger,
        metrics=Metrics(namespace=metrics_namespace(), service=app.name),
    )
    return logger.inject_lambda_context(worker.handle)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
