"""Where Celery's ids come from inside a task: derived from the task's own.

So a task that runs again sends the same tasks, and none of them twice. Outside a task the ids are
random, as Celery makes them.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from typing import Any

from celery import Celery, canvas

from taskqueue.celery.current import current_run

# Each of them has the function that makes an id under a name of its own.
_MODULES = ("kombu.utils.uuid", "celery.canvas", "celery.app.base", "celery.app.task")
_NO_NAME = ""


def install(app: Celery) -> None:
    """Let the tasks of `app`, and Celery's canvas, take their ids from here."""
    for name in _MODULES:
        vars(import_module(name))["uuid"] = new_id
    if not hasattr(app.send_task, "__wrapped__"):
        app.send_task = _with_child_id(app.send_task)  # type: ignore[method-assign]
    if not hasattr(canvas.Signature.freeze, "__wrapped__"):
        freeze = _with_own_id(canvas.Signature.freeze)
        canvas.Signature.freeze = canvas.Signature._freeze = freeze  # type: ignore[attr-defined, method-assign]


def new_id() -> str:
    """Return the id of a group, a chord or a chain, of which only the order is known."""
    return _child_id(_NO_NAME, (), {}) or str(uuid.uuid4())


def _with_child_id(send_task: Callable[..., Any]) -> Callable[..., Any]:
    """Return Celery's `send_task`, in which a task's name and arguments make its id."""

    @wraps(send_task)
    def send(
        name: str,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *others: Any,
        task_id: str | None = None,
        **options: Any,
    ) -> Any:
        task_id = task_id or _child_id(name, args or (), kwargs or {})
        return send_task(name, args, kwargs, *others, task_id=task_id, **options)

    return send


def _with_own_id(freeze: Callable[..., Any]) -> Callable[..., Any]:
    """Return a signature's `freeze`, in which its task's name and arguments make its id."""

    @wraps(freeze)
    def frozen(signature: Any, _id: str | None = None, *others: Any, **options: Any) -> Any:
        if _id is None and "task_id" not in signature.options:
            _id = _child_id(signature.task, signature.args, signature.kwargs)
        return freeze(signature, _id, *others, **options)

    return frozen


def _child_id(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    """Return the id of the running task's next child; None where no task runs."""
    run = current_run()
    return run.parent.child_id(name, args, kwargs) if run else None
