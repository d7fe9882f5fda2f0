"""Celery's JSON form of a task's result, and of its error.

https://docs.celeryq.dev/en/stable/internals/reference/celery.backends.base.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from taskqueue import clock
from taskqueue.message import MAX_NAME_LENGTH, Message
from taskqueue.records.states import FINISHED

# Where Celery's clients find the classes that taskqueue.errors stands in for.
CELERY_ERRORS = "celery.exceptions"
# An error longer than this is cut: it must fit the record, and a line of the log.
MAX_ERROR_LENGTH = 10_000
# Arguments longer than this stay out of the record, so that a record stays within one write unit.
MAX_SHOWN_ARGUMENTS_LENGTH = 200


class ErrorInfo(NamedTuple):
    """A task's exception, as Celery's result backends write it."""

    type: str
    args: Sequence[Any]
    module: str

    @classmethod
    def of(cls, error: BaseException) -> "ErrorInfo":
        """Return the description of `error`; arguments that are not JSON become their text.

        An error that stands for one of Celery's is described as Celery's.
        """
        kind, args = type(error), _storable(error.args)
        celery_name = getattr(kind, "celery_name", None)
        if celery_name:
            return cls(celery_name, args, CELERY_ERRORS)
        return cls(kind.__qualname__, args, kind.__module__)

    @classmethod
    def parse(cls, text: str) -> "ErrorInfo":
        """Read what `text` returned; what another has written in its place is cut, as in `of`."""
        kind, args, module = _error_of(json.loads(text))
        names = [_unicode(str(name))[:MAX_NAME_LENGTH] for name in (kind, module)]
        return cls(names[0], _storable(args), names[1])

    @property
    def text(self) -> str:
        """The description as JSON, as it stands in a result meta."""
        return json.dumps(_error_meta(self), separators=(",", ":"))

    @property
    def message(self) -> str:
        """The exception's text."""
        return ", ".join(map(str, self.args))

    @property
    def title(self) -> str:
        """The exception's type, and its text if it has one."""
        return f"{self.type}: {self.message}" if self.message else self.type


def result_meta(
    message: Message,
    status: str,
    *,
    result: Any = None,
    error: ErrorInfo | None = None,
    retries: int = 0,
    at_ms: int,
) -> bytes:
    """Return Celery's result meta, with its extended fields, as JSON.

    The traceback stays in the worker's log: a result is read by callers.

    Raises:
        TypeError, ValueError: `result` cannot be written as JSON.
    """
    meta = {
        "status": status,
        "result": _error_meta(error) if error else result,
        "traceback": None,
        "children": [],
        "date_done": clock.iso(at_ms) if status in FINISHED else None,
        "task_id": message.id,
        "parent_id": message.parent_id,
        "name": message.task,
        "queue": message.queue,
        "retries": retries,
        "worker": "lambda",
        **_arguments_meta(message.args, message.kwargs),
    }
    return json.dumps(meta, separators=(",", ":"), allow_nan=False).encode()


def outcome_of(meta: bytes) -> tuple[Any, ErrorInfo | None]:
    """Return the result and the error that a result meta holds: None where it holds none."""
    content = json.loads(meta).get("result")
    if isinstance(content, dict) and "exc_type" in content:
        return None, _error_of(content)
    return content, None


def with_short_error(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the meta of a failure with its error cut as `ErrorInfo.of` cuts one."""
    error = _error_of(meta["result"])
    return {**meta, "result": _error_meta(error._replace(args=_storable(error.args)))}


def _error_of(content: Mapping[str, Any]) -> ErrorInfo:
    args = content.get("exc_message") or []
    listed = args if isinstance(args, list) else [args]
    return ErrorInfo(content["exc_type"], listed, content.get("exc_module") or "builtins")


def _error_meta(error: ErrorInfo) -> dict[str, Any]:
    return {
        "exc_type": error.type,
        "exc_message": list(error.args),
        "exc_module": error.module,
    }


def _arguments_meta(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps([list(args), dict(kwargs)], separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        # Python's JSON reads NaN, and nests deeper than it writes: such a task runs all the same.
        return {"args": None, "kwargs": None}
    if len(text) > MAX_SHOWN_ARGUMENTS_LENGTH:
        return {"args": None, "kwargs": None}
    return {"args": list(args), "kwargs": dict(kwargs)}


def _storable(args: Sequence[Any]) -> list[Any]:
    """Return an error's arguments as a record can hold them."""
    found = [_jsonable(arg) for arg in args]
    if len(json.dumps(found)) > MAX_ERROR_LENGTH:
        found = [_unicode(", ".join(map(str, found)))[:MAX_ERROR_LENGTH]]
    return found


def _jsonable(value: object) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _unicode(_text(value))
    return _unicode(value) if isinstance(value, str) else value


def _unicode(text: str) -> str:
    """Return a text with `?` for what is no Unicode: halves of surrogate pairs."""
    return text.encode(errors="replace").decode()


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - any class may have a __str__ that fails
        return f"<{type(value).__name__}>"
