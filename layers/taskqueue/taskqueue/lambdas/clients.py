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

# Four attempts at a connection that is stuck take 16 seconds, and the waits between four that are
# throttled 7 at most: less than any function's time limit, and half of a batch's.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
MAX_ATTEMPTS = 4
# botocore checks nothing that the service does not check, and would build its user agent anew for
# every request.
CONFIG = Config(
    parameter_validation=False,
    user_agent="taskqueue",
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    tcp_keepalive=True,
    max_pool_connections=16,
    retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
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
