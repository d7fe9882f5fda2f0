"""Turns the errors of AWS clients into the project's own, at the edge."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from taskqueue.errors import SendError, SendRefused, StoreError, StoreRefused, Throttled

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
# What is refused until someone changes the stack or the program. Credentials that have expired are
# not among them: the next request has new ones.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
PERMANENT_CODES = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "AWS.SimpleQueueService.NonExistentQueue",
        "AWS.SimpleQueueService.UnsupportedOperation",
        "AccessDenied",
        "AccessDeniedException",
        "BatchRequestTooLong",
        "InvalidAddress",
        "InvalidClientTokenId",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "InvalidSecurity",
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "KmsAccessDenied",
        "KmsDisabled",
        "KmsInvalidKeyUsage",
        "KmsNotFound",
        "KmsOptInRequired",
        "OptInRequired",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "SerializationException",
        "UnrecognizedClientException",
        "UnsupportedOperation",
        "ValidationError",
        "ValidationException",
    }
)
# In the answer of one write; among the reasons of a cancelled transaction.
_CONDITION_CODES = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})


def error_code(error: ClientError) -> str:
    """Return the AWS error code of `error`."""
    return str(error.response.get("Error", {}).get("Code", ""))


class ConditionFailed(Exception):
    """The item does not meet the condition of the write.

    `item`: the item as it is, where the request asked for it and there is one.
    """

    def __init__(self, item: dict[str, Any] | None = None) -> None:
        super().__init__(type(self).__doc__)
        self.item = item or {}


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn the errors of DynamoDB's client into kinds of `StoreError`, and `ConditionFailed`."""
    try:
        yield
    except ClientError as error:
        raise _store_failure(error) from error
    except BotoCoreError as error:
        raise StoreError(f"the database did not answer: {type(error).__name__}") from error


def _store_failure(error: ClientError) -> Exception:
    response: Mapping[str, Any] = error.response
    codes = [error_code(error), *(r.get("Code") for r in response.get("CancellationReasons", []))]
    if THROTTLING_CODES.intersection(codes):
        return Throttled()
    if _CONDITION_CODES.intersection(codes):
        return ConditionFailed(response.get("Item"))
    permanent = [code for code in codes if code in PERMANENT_CODES]
    return store_error(permanent[0] if permanent else codes[0])


@contextmanager
def send_errors() -> Iterator[None]:
    """Turn errors of SQS and EventBridge Scheduler into `SendError` and `SendRefused`."""
    try:
        yield
    except ClientError as error:
        raise send_error(error_code(error)) from error
    except BotoCoreError as error:
        raise SendError(f"the queue did not answer: {type(error).__name__}") from error


def send_error(code: str) -> SendError:
    """Return the project's error for an error code of SQS or EventBridge Scheduler."""
    kind = SendRefused if code in PERMANENT_CODES else SendError
    return kind(f"the queue refused the message: {code}")


def store_error(code: str) -> StoreError:
    """Return the project's error for a DynamoDB error code other than a failed condition's."""
    if code in THROTTLING_CODES:
        return Throttled()
    kind = StoreRefused if code in PERMANENT_CODES else StoreError
    return kind(f"the database refused the request: {code}")
