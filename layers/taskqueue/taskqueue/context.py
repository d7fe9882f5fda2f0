"""What a task that is bound (`bind=True`) can see and do of its own run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from taskqueue.errors import Retry
from taskqueue.groups.completion import Parts
from taskqueue.message import Message
from taskqueue.records.store import TaskStore
from taskqueue.sending.sender import Sender


class Deferred:
    """The value of a task that its parts will finish."""


DEFERRED: Final = Deferred()


@dataclass(frozen=True, slots=True)
class Context:
    """One run of a task. `attempt` counts all runs, `retries` those after a failure."""

    message: Message
    attempt: int
    retries: int
    store: TaskStore
    sender: Sender
    now_ms: Callable[[], int]

    @property
    def id(self) -> str:
        """The task's id."""
        return self.message.id

    def retry(
        self, countdown_seconds: float | None = None, exc: BaseException | None = None
    ) -> Retry:
        """Return the exception to raise for another try: `raise self.retry(exc=error)`."""
        return Retry(countdown_seconds, exc)

    def set_progress(self, progress: Any) -> None:
        """Show a JSON value as the task's progress."""
        self.store.set_progress(self.id, self.attempt, progress)

    def plan_parts(self, planned_key: str) -> Parts:
        """Hand the task over to its parts; then return `DEFERRED` from the task."""
        return self.store.plan_parts(self.id, planned_key)
