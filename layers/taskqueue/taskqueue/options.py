"""What `App.task` takes beside a task's name and queue: Celery's options, in Celery's spelling.

https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options
"""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from taskqueue.option_rules import (
    COUNT,
    ERRORS,
    FLAG,
    FUNCTION,
    LIMIT,
    TEXT,
    WAIT,
    Rule,
    check_limits,
    check_options,
)

if TYPE_CHECKING:
    from taskqueue.context import Context

# Options of Celery's that are none here, and why: better refused than silently not kept.
# https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options
NOT_KEPT = {
    "acks_late": "always so: a message is acknowledged after its task has ended; leave it out",
    "acks_on_failure_or_timeout": "always so: a failure is recorded and acknowledged; leave it out",
    "reject_on_worker_lost": "always so: a dead worker's tasks run again; leave it out",
    "track_started": "always so: a task that runs is STARTED; leave it out",
    "serializer": "always JSON; leave it out",
    "store_errors_even_if_ignored": "always so: an error is recorded; leave it out",
    "retry_kwargs": "its values are options of their own: max_retries, default_retry_delay",
    "base": "there are no task classes; hooks are options: on_success, on_failure, on_retry",
    "rate_limit": "no rate is kept here yet",
}


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
_SECONDS = ("soft_time_limit", "time_limit", "expires")
# An `async def` would be called, and never awaited.
_HOOK = Rule(
    lambda value: callable(value) and not inspect.iscoroutinefunction(value),
    "a function that is not async",
).or_none()
_RULES = {
    "bind": FLAG,
    "name": TEXT.or_none(),
    "queue": TEXT.or_none(),
    "max_retries": COUNT.or_none(),
    "autoretry_for": ERRORS,
    "dont_autoretry_for": ERRORS,
    "retry_backoff": Rule(
        lambda value: FLAG.fits(value) or WAIT.fits(value),
        "True, False or a number of seconds, not negative",
    ),
    "retry_backoff_max": WAIT,
    "retry_jitter": FLAG,
    "default_retry_delay": WAIT,
    "soft_time_limit": LIMIT.or_none(),
    "time_limit": LIMIT.or_none(),
    "expires": LIMIT.or_none(),
    "ignore_result": FLAG,
    "throws": ERRORS,
    "hide_errors": FLAG,
    "idempotent": FLAG,
    "internal": FLAG,
    "check": FUNCTION.or_none(),
    "before_start": _HOOK,
    "on_success": _HOOK,
    "on_failure": _HOOK,
    "on_retry": _HOOK,
}


class Registration(NamedTuple):
    """What a decorator was given: the task's name and queue, if it names them, and its options."""

    name: str | None
    queue: str | None
    options: TaskOptions


def read_options(given: Mapping[str, Any]) -> Registration:
    """Return what a decorator was given.

    Raises:
        TypeError: there is no such option, or it is one of Celery's that is not kept here.
        ValueError: an option takes no such value; the text names the option.
    """
    for name in given.keys() - _RULES.keys():
        raise TypeError(f"{name}: {NOT_KEPT.get(name, 'a task has no such option')}")
    # Celery takes lists of errors, too.
    rest: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    check_options(rest, _RULES)
    check_limits(rest.get("soft_time_limit"), rest.get("time_limit"))
    return Registration(rest.pop("name", None), rest.pop("queue", None), _task_options(rest))


def _task_options(rest: dict[str, Any]) -> TaskOptions:
    retry = {_RETRY_FIELDS[name]: rest.pop(name) for name in _RETRY_FIELDS if name in rest}
    if "retry_backoff_seconds" in retry:
        retry["retry_backoff_seconds"] = float(retry["retry_backoff_seconds"])
    seconds = {f"{name}_seconds": rest.pop(name) for name in _SECONDS if name in rest}
    return TaskOptions(RetryPolicy(**retry), **seconds, **rest)
