"""Honours `Idempotency-Key`: a POST that is repeated under its key gets the first one's answer.

Only answers that are not problems are remembered, so that what failed can be tried again.
https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header
"""

import functools
import json
import os
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.event_handler import ApiGatewayResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from api.problems import Problem, bad_field
from functions.producer.observing import logger
from taskqueue.aws.errors import PERMANENT_CODES, error_code, store_error
from taskqueue.lambdas import clients

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
    )

HEADER = "Idempotency-Key"
REMEMBERED_SECONDS = 24 * 60 * 60
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Next = Callable[[ApiGatewayResolver], Response[Any]]


def honour(app: ApiGatewayResolver, next_middleware: Next) -> Response[Any]:
    """Answer a POST that has the header from memory, or remember its answer."""
    key = app.current_event.headers.get(HEADER)
    if key is None or app.current_event.http_method != "POST":
        return next_middleware(app)
    if not _KEY.fullmatch(key):
        raise bad_field(HEADER, "must be 1 to 255 visible characters of ASCII")
    return _remembered(app, next_middleware, key)


def _remembered(app: ApiGatewayResolver, next_middleware: Next, key: str) -> Response[Any]:
    # Loaded with the first key only: most of what it needs (boto3) nothing else here does.
    from aws_lambda_powertools.utilities.idempotency import exceptions, idempotent_function

    answers: list[Response[Any]] = []

    def answer(**_: object) -> dict[str, Any]:
        answers.append(next_middleware(app))
        return _written(answers[0])

    remembered = idempotent_function(
        answer,
        data_keyword_argument="request",
        persistence_store=_store(),
        config=_config(app.lambda_context),
        key_prefix="api",
    )
    try:
        return _read(remembered(request=_request(app, key)))
    except exceptions.IdempotencyValidationError:
        detail = f"This {HEADER} was used for another request."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    except (
        exceptions.IdempotencyAlreadyInProgressError,
        exceptions.IdempotencyInconsistentStateError,
    ):
        detail = f"The request with this {HEADER} is still being answered."
        raise Problem(HTTPStatus.CONFLICT, detail) from None
    except exceptions.IdempotencyPersistenceLayerError as error:
        if answers:
            # What was asked for is done: its caller shall not be told otherwise.
            logger.error("an answer was not remembered")
            return answers[0]
        _check_is_passing(error.__cause__)
        detail = f"{HEADER} cannot be looked up now. Nothing was done; try again."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None


def _check_is_passing(cause: BaseException | None) -> None:
    """Check that another try may help.

    Raises:
        StoreRefused: it may not.
    """
    if isinstance(cause, ClientError) and error_code(cause) in PERMANENT_CODES:
        raise store_error(error_code(cause)) from cause


def _config(context: LambdaContext) -> "IdempotencyConfig":
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig

    return IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="payload",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=REMEMBERED_SECONDS,
        hash_function="sha256",
        lambda_context=context,
    )


@functools.cache
def _store() -> "DynamoDBPersistenceLayer":
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(
        os.environ["IDEMPOTENCY_TABLE"], boto3_client=clients.client("dynamodb")
    )


def _request(app: ApiGatewayResolver, key: str) -> dict[str, Any]:
    """Return what identifies a request, and what must be the same when it is repeated."""
    event = cast(APIGatewayProxyEvent, app.current_event)
    caller = event.request_context.identity.api_key_id
    return {
        "key": [caller, event.http_method, event.path, key],
        "payload": [event.query_string_parameters, event.json_body],
    }


def _written(response: Response[Any]) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "content_type": response.content_type,
        "headers": dict(response.headers),
        "body": json.dumps(response.body),
    }


def _read(memory: dict[str, Any]) -> Response[Any]:
    return Response(
        status_code=int(memory["status"]),
        content_type=memory["content_type"],
        headers=memory["headers"],
        body=json.loads(memory["body"]),
    )
