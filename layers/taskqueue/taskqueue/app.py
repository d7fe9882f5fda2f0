"""Registers functions as tasks.

app = App("social", queue="notifications")

@app.task(autoretry_for=(Throttled,), retry_backoff=True)
def notify_friends(user_id: str, news_id: str) -> int: ...
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Literal, Unpack, overload

from taskqueue.errors import PoisonMessage, TaskNameTaken, WrongArguments
from taskqueue.message import Message
from taskqueue.options import DecoratorOptions, read_options
from taskqueue.task import AnyTask, Task

if TYPE_CHECKING:
    from taskqueue.context import Context


@dataclass(frozen=True)
class App:
    """The tasks of one application. `queue`: the logical name of the queue they go to."""

    name: str
    queue: str
    tasks: dict[str, AnyTask] = field(default_factory=dict)

    @overload
    def task[**P, R](self, function: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task[**P, R](
        self,
        function: None = None,
        /,
        *,
        bind: Literal[True],
        name: str | None = None,
        queue: str | None = None,
        **options: Unpack[DecoratorOptions],
    ) -> "Callable[[Callable[Concatenate[Context, P], R]], Task[P, R]]": ...
    @overload
    def task[**P, R](
        self,
        function: None = None,
        /,
        *,
        bind: Literal[False] = False,
        name: str | None = None,
        queue: str | None = None,
        **options: Unpack[DecoratorOptions],
    ) -> Callable[[Callable[P, R]], Task[P, R]]: ...
    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Register a function as a task; used with or without arguments.

        `name`: the function's own, if it is not given. `queue`: the app's. `bind`: the function's
        first argument is the run's `Context`. The others are `DecoratorOptions`.

        Raises:
            TaskNameTaken: the app has a task of that name.
            TypeError: there is no such option.
            ValueError: an option takes no such value; the text names the option.
        """
        given = read_options(options)

        def register(target: Callable[..., Any]) -> AnyTask:
            task: AnyTask = Task(
                name=given.name or target.__name__,
                queue=given.queue or self.queue,
                options=given.options,
                run=target,
                signature=inspect.signature(target),
            )
            return self._add(task)

        return register if function is None else register(function)

    def find(self, name: str) -> AnyTask:
        """Return the task of that name.

        Raises:
            PoisonMessage: there is none; the reason lists the names there are.
        """
        try:
            return self.tasks[name]
        except KeyError:
            known = ", ".join(sorted(self.tasks))
            raise PoisonMessage(f"unknown task {name[:100]!r}; this worker knows {known}") from None

    def task_of(self, message: Message) -> AnyTask:
        """Return the task that a message asks for.

        Raises:
            PoisonMessage: there is none, or its arguments do not fit it.
        """
        task = self.find(message.task)
        try:
            task.check_arguments(message.args, message.kwargs)
        except WrongArguments as error:
            raise PoisonMessage(str(error)) from None
        return task

    def _add(self, task: AnyTask) -> AnyTask:
        if task.name in self.tasks:
            raise TaskNameTaken(f"the app {self.name!r} has a task {task.name!r} already")
        self.tasks[task.name] = task
        return task
