"""Turns the errors of AWS clients into the project's own, at the edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from taskqueue.errors import SendError, StoreError, TaskQueueError, Throttled

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
THROTTLING_CODES = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
    }
)


def error_code(error: ClientError) -> str:
    """Return the AWS error code of `error`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_conditional_check_failed(error: ClientError) -> bool:
    """Whether a conditional write found its condition false."""
    return error_code(error) == "ConditionalCheckFailedException"


def condition_item(error: ClientError) -> dict[str, Any] | None:
    """Return the item that failed the condition, when the request asked for it."""
    item: dict[str, Any] | None = dict(error.response).get("Item")  # type: ignore[assignment]
    return item


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn errors of DynamoDB into `StoreError` or `Throttled`; failed conditions pass."""
    try:
        yield
    except ClientError as error:
        if is_conditional_check_failed(error):
            raise
        raise store_error(error_code(error)) from error
    except BotoCoreError as error:
        raise StoreError(f"the database did not answer: {type(error).__name__}") from error


@contextmanager
def send_errors() -> Iterator[None]:
    """Turn errors of SQS and EventBridge Scheduler into `SendError`."""
    try:
        yield
    except ClientError as error:
        raise SendError(f"the queue refused the message: {error_code(error)}") from error
    except BotoCoreError as error:
        raise SendError(f"the queue did not answer: {type(error).__name__}") from error


def store_error(code: str) -> TaskQueueError:
    """Return the project's error for a DynamoDB error code."""
    if code in THROTTLING_CODES:
        return Throttled()
    return StoreError(f"the database refused the request: {code}")
