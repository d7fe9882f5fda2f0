"""What AWS answers, as our errors: passing or permanent."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from taskqueue.aws.errors import ConditionFailed, send_errors, store_errors
from taskqueue.errors import SendError, SendRefused, StoreError, StoreRefused, Throttled


def answer(code: str, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "with 'the payload'"}, **more}
    return ClientError(response, "PutItem")


NO_ANSWER = EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NO_ANSWER, StoreError),
        (answer("InternalServerError"), StoreError),
        (answer("ExpiredTokenException"), StoreError),
        (answer("ThrottlingException"), Throttled),
        (answer("ValidationException"), StoreRefused),
        (answer("AccessDeniedException"), StoreRefused),
        (answer("ResourceNotFoundException"), StoreRefused),
        (answer("ConditionalCheckFailedException"), ConditionFailed),
    ],
)
def test_an_answer_of_the_database(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(Exception) as raised, store_errors():  # noqa: PT011 - its type is asserted
        raise error
    assert raised.type is kind
    assert "payload" not in str(raised.value)


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        (["None", "ValidationError"], StoreRefused),
        (["None", "ConditionalCheckFailed"], ConditionFailed),
        (["ValidationError", "TransactionConflict"], Throttled),
        (["None", "Unheard"], StoreError),
    ],
)
def test_a_cancelled_transaction_is_what_its_reasons_say(
    reasons: list[str], kind: type[Exception]
) -> None:
    error = answer(
        "TransactionCanceledException", CancellationReasons=[{"Code": code} for code in reasons]
    )
    with pytest.raises(Exception) as raised, store_errors():  # noqa: PT011 - its type is asserted
        raise error
    assert raised.type is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NO_ANSWER, SendError),
        (answer("ServiceUnavailable"), SendError),
        (answer("AWS.SimpleQueueService.NonExistentQueue"), SendRefused),
        (answer("AccessDenied"), SendRefused),
        (answer("InvalidMessageContents"), SendRefused),
    ],
)
def test_an_answer_of_the_queue(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(SendError) as raised, send_errors():
        raise error
    assert raised.type is kind
    assert "payload" not in str(raised.value)
