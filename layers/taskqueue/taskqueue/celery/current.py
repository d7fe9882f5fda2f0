"""The run of a Celery task that this thread is in, and what it has told so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskqueue.message import Message
from taskqueue.sending.call import MAX_DEPTH, Parent

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender
    from taskqueue.worker.outcome import Attempt


@dataclass(frozen=True, slots=True)
class Stored:
    """A state that was stored of a task, and Celery's result meta of it."""

    state: str
    meta: bytes


@dataclass(slots=True)
class CeleryRun:
    """One run. `again`: the message by which the task sent itself once more, by a retry say.

    `stored`: what was stored of it last. `is_celery_s_turn`: it is Celery that sends now, when the
    task's own code has ended: an error is not the task's.
    """

    attempt: "Attempt"
    store: "TaskStore"
    sender: "Sender"
    now_ms: Callable[[], int]
    max_depth: int = MAX_DEPTH
    again: Message | None = None
    stored: Stored | None = None
    is_celery_s_turn: bool = False
    parent: Parent = field(init=False)

    def __post_init__(self) -> None:
        """Let what the task sends be its children."""
        self.parent = Parent(self.message)

    @property
    def message(self) -> Message:
        """The message that brought the task."""
        return self.attempt.delivery.message


_current: ContextVar[CeleryRun | None] = ContextVar("celery_run", default=None)


def current_run() -> CeleryRun | None:
    """Return the run that this thread is in, if it is in one."""
    return _current.get()


@contextmanager
def running(run: CeleryRun) -> Iterator[CeleryRun]:
    """Be in this run within the body."""
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)


@contextmanager
def celery_s_turn() -> Iterator[None]:
    """Say, within the body, that it is Celery that sends and stores, not the task's own code."""
    run = current_run()
    if run is None or run.is_celery_s_turn:
        yield
        return
    run.is_celery_s_turn = True
    try:
        yield
    finally:
        run.is_celery_s_turn = False
