"""Registers functions as tasks.

app = App("social", queue="notifications")

@app.task(autoretry_for=(Throttled,), retry_backoff_seconds=1)
def notify_friends(user_id: str, news_id: str) -> int: ...
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict, Unpack, overload

from taskqueue.errors import PoisonMessage
from taskqueue.retry import RetryPolicy

_RETRY_OPTIONS = frozenset(option.name for option in fields(RetryPolicy))


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """What the decorator says of a task beside its name and queue.

    `bind`: the function's first argument is the run's `Context`. `time_limit_seconds`: the task is
    stopped and FAILURE after it. `expires_seconds`: not run when it waited longer. `idempotent`:
    running it twice does no harm by its nature, so it has no record and is not claimed.
    """

    retry: RetryPolicy
    bind: bool = False
    time_limit_seconds: float | None = None
    expires_seconds: float | None = None
    ignore_result: bool = False
    idempotent: bool = False


class DecoratorOptions(TypedDict, total=False):
    """What `App.task` takes: a name, a queue, and the fields of `RetryPolicy` and `TaskOptions`."""

    name: str | None
    queue: str | None
    bind: bool
    max_retries: int | None
    autoretry_for: tuple[type[BaseException], ...]
    retry_backoff_seconds: float
    retry_backoff_max_seconds: float
    retry_jitter: bool
    default_retry_delay_seconds: float
    time_limit_seconds: float | None
    expires_seconds: float | None
    ignore_result: bool
    idempotent: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A registered function; calling it runs the function here and now."""

    name: str
    queue: str
    options: TaskOptions
    function: Callable[..., Any]
    _signature: inspect.Signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function in this process, without the queue."""
        return self.function(*args, **kwargs)

    def check_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Check that the function can be called with these arguments.

        Raises:
            PoisonMessage: it cannot; the reason names the argument.
        """
        bound = (None, *args) if self.options.bind else args
        try:
            self._signature.bind(*bound, **kwargs)
        except TypeError as error:
            raise PoisonMessage(f"the arguments do not fit {self.name}: {error}") from None


@dataclass(frozen=True)
class App:
    """The tasks of one application. `queue`: the logical name of the queue they go to."""

    name: str
    queue: str
    tasks: dict[str, Task] = field(default_factory=dict)

    @overload
    def task(self, function: Callable[..., Any], /) -> Task: ...
    @overload
    def task(
        self, function: None = None, /, **options: Unpack[DecoratorOptions]
    ) -> Callable[[Callable[..., Any]], Task]: ...
    def task(
        self, function: Callable[..., Any] | None = None, /, **options: Unpack[DecoratorOptions]
    ) -> Task | Callable[[Callable[..., Any]], Task]:
        """Register a function as a task, with Celery's options; used with or without arguments.

        https://docs.celeryq.dev/en/stable/userguide/tasks.html#list-of-options
        """
        given: dict[str, Any] = dict(options)
        name, queue = given.pop("name", None), given.pop("queue", None)
        retry = RetryPolicy(**{key: given.pop(key) for key in _RETRY_OPTIONS & given.keys()})
        task_options = TaskOptions(retry=retry, **given)

        def register(target: Callable[..., Any]) -> Task:
            task = Task(
                name=name or target.__name__,
                queue=queue or self.queue,
                options=task_options,
                function=target,
                _signature=inspect.signature(target),
            )
            self.tasks[task.name] = task
            return task

        return register if function is None else register(function)

    def find(self, name: str) -> Task:
        """Return the task of that name.

        Raises:
            PoisonMessage: there is none; the reason lists the names there are.
        """
        try:
            return self.tasks[name]
        except KeyError:
            known = ", ".join(sorted(self.tasks))
            raise PoisonMessage(f"unknown task {name[:100]!r}; this worker knows {known}") from None
