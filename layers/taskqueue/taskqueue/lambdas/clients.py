"""This process's clients of AWS services, each made once.

They come straight from botocore: boto3 would add its resources, which nothing here uses, to every
cold start.
"""

import functools
from typing import TYPE_CHECKING, Any, Literal, overload

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient

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
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
