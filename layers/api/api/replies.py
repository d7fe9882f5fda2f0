"""The responses that are not problems."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

Reply = Response[Any]


def ok(body: Mapping[str, Any]) -> Reply:
    """Return 200 with `body`."""
    return _json(HTTPStatus.OK, body, {})


def accepted(body: Mapping[str, Any], location: str | None = None) -> Reply:
    """Return 202 with `body`, and where to ask how it goes on."""
    return _json(HTTPStatus.ACCEPTED, body, {"Location": location} if location else {})


def no_content() -> Reply:
    """Return 204: what was asked for is done."""
    return Response(status_code=HTTPStatus.NO_CONTENT.value)


def location(event: APIGatewayProxyEvent, path: str) -> str:
    """Return `path` relative to the request's own URL, as a caller resolves it (RFC 9110, 10.2.2).

    What stands before the API's paths, a stage or a domain's base path, only the caller knows.
    """
    return "../" * (event.path.count("/") - 1) + path.removeprefix("/")


def _json(status: HTTPStatus, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
    return Response(
        status_code=status.value,
        content_type=content_types.APPLICATION_JSON,
        body=body,
        headers=dict(headers),
    )
