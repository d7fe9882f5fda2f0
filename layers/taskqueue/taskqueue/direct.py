"""The run of a bound task that is called as a function, without a worker."""

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast

from aws_lambda_powertools import Logger

from taskqueue import clock
from taskqueue.context import Context
from taskqueue.errors import DirectCall
from taskqueue.message import Message

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender
    from taskqueue.task import AnyTask

# The longest that a Lambda function may run.
_LONGEST_MS = 900_000


def run_of(task: "AnyTask", args: Sequence[Any], kwargs: Mapping[str, Any]) -> Context:
    """Return a first run with an id of its own. What needs a record or a queue raises `DirectCall`.

    `run.retry` raises `Retry`, as in a worker; nobody runs the task again.
    """
    now_ms = clock.now_ms()
    return Context(
        message=Message(task.name, str(uuid.uuid4()), args, kwargs, queue=task.queue),
        attempt=1,
        retries=0,
        store=cast("TaskStore", _Absent()),
        sender=cast("Sender", _Absent()),
        log=Logger(service=task.name),
        now_ms=clock.now_ms,
        ends_at_ms=now_ms + _LONGEST_MS,
    )


class _Absent:
    """A part of a worker, where there is none."""

    def __getattr__(self, name: str) -> NoReturn:
        raise DirectCall
