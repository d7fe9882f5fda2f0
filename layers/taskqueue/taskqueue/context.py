"""What a task that is bound (`bind=True`) can see and do of its own run."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from taskqueue.errors import GiveBack, Retry
from taskqueue.message import Message

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from taskqueue.groups.progress import PartsPlan
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender


# Beside a result, it must fit the task's record.
MAX_PROGRESS_BYTES = 10_000


class Deferred:
    """The value of a task that its parts will finish."""


DEFERRED: Final = Deferred()


class Continued:
    """The value of a task that goes on in its next turn, in another worker's time."""


CONTINUED: Final = Continued()


@dataclass(slots=True)
class Context:
    """One run of a task.

    `attempt`: the number of this run, from 1; 0 for the first run of an idempotent task, which has
    no record. `retries`: how many runs before it ended in a retry. `log`: the function's logger;
    its lines name the task. `ends_at_ms`: when its worker's time is over, in milliseconds since the
    epoch. `has_planned`: whether this run has handed it over to its parts.
    """

    message: Message
    attempt: int
    retries: int
    store: "TaskStore"
    sender: "Sender"
    log: "Logger"
    now_ms: Callable[[], int]
    ends_at_ms: int
    has_planned: bool = False

    @property
    def id(self) -> str:
        """The task's id."""
        return self.message.id

    def retry(
        self,
        *,
        countdown: float | None = None,
        eta: datetime | None = None,
        exc: BaseException | type[BaseException] | None = None,
    ) -> NoReturn:
        """End this run, and run the task again after `countdown` seconds, or at `eta`.

        `exc`: the error that the record shows meanwhile, and that the task fails with once it may
        not be retried any more. `raise run.retry()` does the same, and tells a type checker so.

        Raises:
            Retry: always; it ends the run.
        """
        if isinstance(exc, type):
            exc = exc()
        if countdown is not None and not math.isfinite(countdown):
            raise ValueError("a countdown is a number of seconds")
        if eta is not None:
            due_ms = (eta if eta.tzinfo else eta.replace(tzinfo=UTC)).timestamp() * 1000
            countdown = max(0.0, due_ms - self.now_ms()) / 1000
        raise Retry(countdown, exc)

    def set_progress(self, progress: Any) -> None:
        """Show a JSON value as the task's progress.

        Raises:
            ValueError: it has more than `MAX_PROGRESS_BYTES` as JSON, or is none.
        """
        if len(json.dumps(progress, allow_nan=False)) > MAX_PROGRESS_BYTES:
            raise ValueError(f"the progress has more than {MAX_PROGRESS_BYTES} bytes")
        self.store.set_progress(self.id, self.attempt, progress)

    def plan_parts(self, plan: "PartsPlan") -> bool:
        """Say how far the task has planned its parts, before they are sent; it is PROGRESS then.

        Then send them, and return `DEFERRED`: the last part ends the task. Or return `CONTINUED`:
        the next run finds the plan in the task's record, and goes on.

        Returns:
            False where the task has ended, since it was revoked: then send none, and return
            `DEFERRED`.

        Raises:
            StoreError: it is not known what is written.
            GiveBack: another worker has the task.
        """
        self.has_planned = True
        if self.store.plan_parts(self.id, self.attempt, plan):
            return True
        record = self.store.get(self.id)
        if record and record.finished:
            return False
        raise GiveBack("another worker has the task")
