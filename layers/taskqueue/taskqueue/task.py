"""A task: a function that is run now by a call, and later by `delay`."""

import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, overload

from taskqueue.errors import NoCelery, WrongArguments
from taskqueue.options import TaskOptions

if TYPE_CHECKING:
    from celery.canvas import Signature

    from taskqueue.result import Result
    from taskqueue.sending.call import Call, SendOptions


@dataclass(frozen=True, slots=True)
class Task[**P, R]:
    """A registered function: its name, its queue, its options.

    `run` is the function. A task with `bind=True` gets the run's `Context` as its first argument,
    which its callers leave out.
    """

    name: str
    queue: str
    options: TaskOptions
    run: Callable[..., R]
    signature: inspect.Signature

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function in this process, without the queue.

        A bound one gets a run that has no worker and no record: `taskqueue.direct`.
        """
        if not self.options.bind:
            return self.run(*args, **kwargs)
        from taskqueue.direct import run_of

        return self.run(run_of(self, args, kwargs), *args, **kwargs)

    @property
    def is_async(self) -> bool:
        """Whether the function is an `async def`."""
        return inspect.iscoroutinefunction(self.run)

    @overload
    def delay[V](
        self: "Task[P, Coroutine[Any, Any, V]]", *args: P.args, **kwargs: P.kwargs
    ) -> "Result[V]": ...
    @overload
    def delay(self, *args: P.args, **kwargs: P.kwargs) -> "Result[R]": ...
    def delay(self, *args: P.args, **kwargs: P.kwargs) -> "Result[Any]":
        """Send the task; return a handle of its result.

        Raises:
            WrongArguments: the function cannot be called with these, or one cannot be written as
                JSON.
            SendError, StoreError: it was not sent.
        """
        from taskqueue.sending import client
        from taskqueue.sending.call import Call

        return client.current().send(Call(self, args, kwargs))

    def apply_async(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: "Unpack[SendOptions]",
    ) -> "Result[Any]":
        """Send the task with options: `apply_async([1], countdown=60)`. `delay` has the types.

        https://docs.celeryq.dev/en/stable/userguide/calling.html

        Raises:
            TaskIdTaken: `task_id` is that of a task of another name.
            TypeError, ValueError: there is no such option, or it takes no such value.
            WrongArguments, SendError, StoreError: as `delay` does.
        """
        from taskqueue.sending import client
        from taskqueue.sending.call import Call

        return client.current().send(Call(self, tuple(args), dict(kwargs or {}), options))

    @overload
    def call[V](
        self: "Task[P, Coroutine[Any, Any, V]]", *args: P.args, **kwargs: P.kwargs
    ) -> "Call[V]": ...
    @overload
    def call(self, *args: P.args, **kwargs: P.kwargs) -> "Call[R]": ...
    def call(self, *args: P.args, **kwargs: P.kwargs) -> "Call[Any]":
        """Return a call that is not sent yet, for `send_many`."""
        from taskqueue.sending.call import Call

        return Call(self, args, kwargs)

    def s(self, *args: Any, **kwargs: Any) -> "Signature[Any]":
        """Return a signature of Celery's, for chains, groups and chords.

        A result that is handed on comes before `args`.

        Raises:
            NoCelery: Celery is not installed.
        """
        return self._signature(args, kwargs, immutable=False)

    def si(self, *args: P.args, **kwargs: P.kwargs) -> "Signature[Any]":
        """Return a signature that takes no result of another task.

        Raises:
            NoCelery: Celery is not installed.
        """
        return self._signature(args, kwargs, immutable=True)

    def _signature(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, immutable: bool
    ) -> "Signature[Any]":
        try:
            from taskqueue.celery.signatures import signature
        except ModuleNotFoundError as error:
            raise NoCelery from error
        return signature(self.name, self.queue, args, kwargs, immutable=immutable)

    def check_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Check that the function can be called with these arguments.

        Raises:
            WrongArguments: it cannot; the message names the argument.
        """
        bound = (None, *args) if self.options.bind else args
        try:
            self.signature.bind(*bound, **kwargs)
        except TypeError as error:
            raise WrongArguments(f"the arguments do not fit {self.name}: {error}") from None

    def check_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Check arguments that are to be sent, by the task's own check, too.

        Raises:
            WrongArguments: the task does not take them.
        """
        self.check_arguments(args, kwargs)
        if self.options.check:
            self.options.check(*args, **kwargs)


type AnyTask = Task[..., Any]
