"""The client of the task queue: sends calls of tasks and hands out their results.

`delay` finds it here. In a process with the stack's settings it is made from them. While a task
runs, and in a test in memory, `using` sets another.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskqueue import clock
from taskqueue.result import Result
from taskqueue.sending.call import MAX_DEPTH, Call, Parent, message_of

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender


@dataclass(frozen=True, slots=True)
class TaskClient:
    """Sends calls, and hands out their results. `parent`: the task that is running, if one is."""

    sender: "Sender"
    store: "TaskStore"
    now_ms: Callable[[], int] = clock.now_ms
    sleep: Callable[[float], None] = time.sleep
    parent: Parent | None = None
    max_depth: int = MAX_DEPTH

    def send(self, call: Call[Any]) -> Result[Any]:
        """Send one task.

        Raises:
            WrongArguments, TypeError, ValueError, TaskIdTaken, TooDeep, SendError, StoreError:
                nothing was sent.
        """
        now_ms = self.now_ms()
        message = message_of(call, now_ms, self.parent, self.max_depth)
        if call.task.options.idempotent:
            self.sender.send_unrecorded([message], now_ms)
        else:
            self.sender.send(message, now_ms)
        return self.result(message.id)

    def send_many(self, calls: Sequence[Call[Any]]) -> list[Result[Any]]:
        """Send many tasks, 25 records and 10 messages a request; results in the order of the calls.

        Raises:
            WrongArguments, TypeError, ValueError: nothing was sent.
            TaskIdTaken, SendError, StoreError: some may have been sent. Inside a task, whose
                children have ids of their own making, sending all again does no harm.
        """
        now_ms = self.now_ms()
        messages = [message_of(call, now_ms, self.parent, self.max_depth) for call in calls]
        unrecorded = [call.task.options.idempotent for call in calls]
        pairs = list(zip(messages, unrecorded, strict=True))
        self.sender.send_many([message for message, without in pairs if not without], now_ms)
        self.sender.send_unrecorded([message for message, without in pairs if without], now_ms)
        return [self.result(message.id) for message in messages]

    def result(self, task_id: str) -> Result[Any]:
        """Return the handle of a task's result."""
        return Result(task_id, self)


_current: ContextVar[TaskClient | None] = ContextVar("client", default=None)


def current() -> TaskClient:
    """Return the client of the task or the test that runs, or that of this process's settings."""
    set_here = _current.get()
    if set_here is not None:
        return set_here
    from taskqueue.lambdas import wiring

    return wiring.task_client()


@contextmanager
def using(client: TaskClient) -> Iterator[None]:
    """Let `delay` and `send_many` send by this client within the body."""
    token = _current.set(client)
    try:
        yield
    finally:
        _current.reset(token)


def send_many[R](calls: Sequence[Call[R]]) -> list[Result[R]]:
    """Send many tasks at once: `send_many([notify.call("1"), notify.call("2")])`.

    Raises:
        WrongArguments, TypeError, ValueError, TaskIdTaken, SendError, StoreError: as
            `TaskClient.send_many` does.
    """
    return current().send_many(calls)
