"""A task's record: what is known of it."""

from dataclasses import dataclass
from typing import Any

from taskqueue.groups.progress import Parts
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.states import FINISHED, PENDING


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task as it stands in the store. Times are milliseconds since the epoch.

    `due_at_ms`: when its present turn is due, if not at once. `is_result_gone`: whether it finished
    so long ago that its result or error is not shown any more. `publish`: the hash of the publish
    that it runs or has run by.
    """

    id: str
    task: str
    queue: str
    status: str = PENDING
    result: Any = None
    error: ErrorInfo | None = None
    attempts: int = 0
    turn: int = 0
    retries: int = 0
    progress: Any = None
    parts: Parts | None = None
    enqueued_at_ms: int | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    due_at_ms: int | None = None
    is_result_gone: bool = False
    publish: bytes = b""

    @property
    def finished(self) -> bool:
        """Whether the task has reached a state that it does not leave by itself."""
        return self.status in FINISHED
