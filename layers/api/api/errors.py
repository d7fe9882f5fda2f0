"""Turns the errors of the layers below into problems, which a caller can read."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from api.problems import FieldError, Problem, bad_fields, failed
from taskqueue.errors import (
    MessageTooLarge,
    NotRedrivable,
    PermanentError,
    SendError,
    StoreError,
    TaskAlreadyStarted,
    TaskIdTaken,
    TaskNotFound,
    TaskQueueError,
    Throttled,
)

RETRY_AFTER_SECONDS = 1
_STATUSES: Mapping[type[TaskQueueError], HTTPStatus] = {
    TaskNotFound: HTTPStatus.NOT_FOUND,
    TaskAlreadyStarted: HTTPStatus.CONFLICT,
    TaskIdTaken: HTTPStatus.CONFLICT,
    NotRedrivable: HTTPStatus.CONFLICT,
    MessageTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
# What the services said stays in the log: it is of no use to a caller.
_UNAVAILABLE: Mapping[type[TaskQueueError], str] = {
    Throttled: "The database is busy; try again.",
    StoreError: "The database is not available; try again.",
    SendError: "The queue is not available; try again.",
}
# Where pydantic speaks of its own matters.
_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_pattern_mismatch": "has characters that are not allowed",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def problem_of(error: TaskQueueError) -> Problem | None:
    """Return the problem that `error` is, or None for one that no caller should meet."""
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return Problem(status, str(error))
    if isinstance(error, PermanentError):
        return failed()
    for kind, detail in _UNAVAILABLE.items():
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)
    return None


def validation_problem(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Return the problem for pydantic's `errors`: where and why, without what was sent."""
    return bad_fields([FieldError(_field(error["loc"]), _reason(error)) for error in errors])


def _field(loc: Iterable[str | int]) -> str:
    """Return `args.0` for ('body', 'args', 0): callers know where they wrote a field."""
    source, *path = map(str, loc)
    return ".".join(path) or source


def _reason(error: Mapping[str, Any]) -> str:
    words = _WORDS.get(error["type"])
    if words:
        return words.format_map(error.get("ctx", {}))
    return str(error.get("msg") or error["type"]).removeprefix("Value error, ")
