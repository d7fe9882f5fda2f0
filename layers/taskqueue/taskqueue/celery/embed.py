"""What follows a task, as its message says it: whether those are signatures of Celery's. Pure.

Celery reads them only when the task has run, and fails then in the midst of its end.
"""

from collections.abc import Iterator
from typing import Any

from celery.canvas import Signature
from celery.exceptions import InvalidTaskError

# Where signatures of several tasks keep those, in their `kwargs` (`celery.canvas`, celery 5.7.0).
_PARTS = {
    "chain": ("tasks",),
    "group": ("tasks",),
    "chord": ("header", "body"),
    "xmap": ("task",),
    "xstarmap": ("task",),
    "chunks": ("task",),
}
_FIELDS = (("args", list), ("kwargs", dict), ("options", dict))
_IDS = ("task_id", "group_id", "root_id", "parent_id")
_FOLLOWERS = ("link", "link_error", "chain", "chord")


def check(name: str, value: Any) -> None:
    """Check one of a message's `callbacks`, `errbacks`, `chain` and `chord`, as JSON has it.

    Raises:
        InvalidTaskError: Celery cannot read it; the text says what is wrong and where.
        RecursionError: it is nested too deep.
    """
    kind = dict if name == "chord" else list
    if not isinstance(value, kind):
        raise InvalidTaskError(f"{name} is no {'signature' if kind is dict else 'list'}")
    _check_all(name, value)


def signatures_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the signatures in a value, and those in them."""
    if isinstance(value, dict):
        if "task" in value and "options" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from signatures_in(one)


def _check_all(where: str, value: Any) -> None:
    """Check a signature, or a list of them."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            _check_signature(f"{where}[{number}]", one)
    else:
        _check_signature(where, value)


def _check_signature(where: str, value: Any) -> None:
    if not isinstance(value, dict) or not _is_text(value.get("task")):
        raise InvalidTaskError(f"{where} is no signature")
    for name, kind in _FIELDS:
        if not isinstance(value.get(name), kind):
            raise InvalidTaskError(f"{where} has no {name}, or malformed ones")
    options = value["options"]
    for name in _IDS:
        if options.get(name) is not None and not _is_text(options[name]):
            raise InvalidTaskError(f"{where} has a {name} that is no text")
    for name in _FOLLOWERS:
        if options.get(name):
            _check_all(f"{where}.{name}", options[name])
    for name in _parts(where, value.get("subtask_type")):
        if value["kwargs"].get(name):
            _check_all(f"{where}.{name}", value["kwargs"][name])


def _parts(where: str, subtask_type: Any) -> tuple[str, ...]:
    if not subtask_type:
        return ()
    if not isinstance(subtask_type, str) or subtask_type not in Signature.TYPES:
        raise InvalidTaskError(f"{where} is of a kind that Celery has not")
    # An app may have kinds of its own.
    return _PARTS.get(subtask_type, ())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
