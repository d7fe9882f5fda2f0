"""What `App.task` takes beside a task's name and queue: Celery's options, in Celery's spelling.

https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options
"""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

if TYPE_CHECKING:
    from taskqueue.context import Context

# Taken by Celery, and kept by nothing here yet. Better refused than silently not kept.
NOT_KEPT = {"rate_limit": "no rate is kept here yet"}


class DecoratorOptions(TypedDict, total=False):
    """The options as they are written. Times are seconds.

    `retry_backoff`: the first wait, doubled with each retry; True is 1. `soft_time_limit` raises
    `SoftTimeLimitExceeded` in the task, `time_limit` ends it. `expires`: not run when it waited
    longer. `throws`: errors that are part of its work, logged without their places. `hide_errors`:
    its record and dead letter keep only the type of what it raises. `idempotent`: running it twice
    does no harm by its nature, so its first run has no record and is not claimed. `internal`: only
    other tasks send it; no API starts or lists it, and no schedule runs it. `check` is called with
    the arguments before the task is sent, and refuses them by `WrongArguments`.
    `before_start`, `on_success`, `on_failure` and `on_retry` are called with the run's `Context`
    and, but for the first, with the result or the error.
    """

    max_retries: int | None
    autoretry_for: tuple[type[BaseException], ...]
    dont_autoretry_for: tuple[type[BaseException], ...]
    retry_backoff: bool | float
    retry_backoff_max: float
    retry_jitter: bool
    default_retry_delay: float
    soft_time_limit: float | None
    time_limit: float | None
    expires: float | None
    ignore_result: bool
    throws: tuple[type[BaseException], ...]
    hide_errors: bool
    idempotent: bool
    internal: bool
    check: Callable[..., None] | None
    before_start: "Callable[[Context], None] | None"
    on_success: "Callable[[Context, Any], None] | None"
    on_failure: "Callable[[Context, BaseException], None] | None"
    on_retry: "Callable[[Context, BaseException], None] | None"


class RetryPolicy(NamedTuple):
    """How often a task is retried, after which errors, and when.

    `max_retries`: None is without end. `autoretry_for`: the errors after which it is retried though
    it did not ask for it, unless they are `dont_autoretry_for`. Without a backoff, every retry
    waits for `default_retry_delay_seconds`.
    https://docs.celeryq.dev/en/stable/userguide/tasks.html#automatic-retry-for-known-exceptions
    """

    max_retries: int | None = 3
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_backoff_seconds: float = 0
    retry_backoff_max_seconds: float = 600
    retry_jitter: bool = True
    default_retry_delay_seconds: float = 180


class TaskOptions(NamedTuple):
    """The options as the worker reads them, with their units; None is no limit, or no hook."""

    retry: RetryPolicy = RetryPolicy()
    bind: bool = False
    soft_time_limit_seconds: float | None = None
    time_limit_seconds: float | None = None
    expires_seconds: float | None = None
    ignore_result: bool = False
    throws: tuple[type[BaseException], ...] = ()
    hide_errors: bool = False
    idempotent: bool = False
    internal: bool = False
    check: Callable[..., None] | None = None
    before_start: "Callable[[Context], None] | None" = None
    on_success: "Callable[[Context, Any], None] | None" = None
    on_failure: "Callable[[Context, BaseException], None] | None" = None
    on_retry: "Callable[[Context, BaseException], None] | None" = None


# Celery's spelling of an option, where the field of the class has its unit in its name.
_RETRY_FIELDS = {
    "max_retries": "max_retries",
    "autoretry_for": "autoretry_for",
    "dont_autoretry_for": "dont_autoretry_for",
    "retry_backoff": "retry_backoff_seconds",
    "retry_backoff_max": "retry_backoff_max_seconds",
    "retry_jitter": "retry_jitter",
    "default_retry_delay": "default_retry_delay_seconds",
}
_HOOKS = ("before_start", "on_success", "on_failure", "on_retry")
_SECONDS = ("soft_time_limit", "time_limit", "expires")


def read_options(given: Mapping[str, Any]) -> TaskOptions:
    """Return the options that a decorator was given.

    Raises:
        TypeError: there is no such option, or it is one of Celery's that is not kept here.
    """
    rest: dict[str, Any] = {}
    for name, value in given.items():
        # Celery takes lists of errors, too.
        rest[name] = tuple(value) if isinstance(value, list) else value
    bind = rest.pop("bind", False)
    for name in rest:
        if name not in DecoratorOptions.__annotations__:
            reason = NOT_KEPT.get(name, "a task has no such option")
            raise TypeError(f"{name}: {reason}")
    for name in _HOOKS:
        if inspect.iscoroutinefunction(rest.get(name)):
            raise TypeError(f"{name}: a hook is a plain function")
    retry = {_RETRY_FIELDS[name]: rest.pop(name) for name in _RETRY_FIELDS if name in rest}
    if "retry_backoff_seconds" in retry:
        retry["retry_backoff_seconds"] = float(retry["retry_backoff_seconds"])
    seconds = {f"{name}_seconds": rest.pop(name) for name in _SECONDS if name in rest}
    return TaskOptions(RetryPolicy(**retry), bind, **seconds, **rest)
