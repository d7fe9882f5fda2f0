"""Errors as callers of the API see them: problem details for HTTP APIs.

https://www.rfc-editor.org/rfc/rfc9457
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

CONTENT_TYPE = "application/problem+json"
# A body can hold more mistakes than a caller will read, and names longer than they should be.
MAX_ERRORS = 20
MAX_FIELD_LENGTH = 100
MAX_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request; never its value."""

    field: str
    reason: str


class Problem(Exception):
    """A request that ends with an error response.

    `members` are further members of the problem, e.g. the names there are.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.members = members or {}

    def body(self) -> dict[str, Any]:
        """Return the problem as its JSON object."""
        listed = [
            {"field": error.field[:MAX_FIELD_LENGTH], "reason": error.reason[:MAX_REASON_LENGTH]}
            for error in self.errors[:MAX_ERRORS]
        ]
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            **({"errors": listed} if listed else {}),
            **self.members,
        }

    def text(self) -> str:
        """Return the problem as JSON text."""
        return json.dumps(self.body(), separators=(",", ":"))

    def response(self) -> Response[str]:
        """Return the problem as a response of the resolver."""
        return Response(
            status_code=self.status.value,
            content_type=CONTENT_TYPE,
            body=self.text(),
            headers=dict(self.headers),
        )


def bad_field(field: str, reason: str) -> Problem:
    """Return the problem of a single wrong field."""
    return bad_fields([FieldError(field, reason)])


def bad_fields(errors: Sequence[FieldError]) -> Problem:
    """Return the problem of fields that are wrong."""
    return Problem(HTTPStatus.BAD_REQUEST, "The request is not valid.", errors=errors)


def failed() -> Problem:
    """Return the problem that is none of the caller's; the log has what it was."""
    detail = "The request failed; it has been logged."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def not_found(detail: str, **members: Any) -> Problem:
    """Return the problem of a thing that is not there."""
    return Problem(HTTPStatus.NOT_FOUND, detail, members=members)
