"""The errors of the task queue.

    TaskQueueError
    ├── PoisonMessage
    ├── WrongArguments (a TypeError, too)
    ├── TaskNameTaken
    ├── NoSettings
    ├── NoCelery
    ├── DirectCall
    ├── StoreError
    │   ├── Throttled
    │   └── StoreRefused           a PermanentError, too
    ├── SendError
    │   ├── SendRefused            a PermanentError, too
    │   └── MessageTooLarge        a PermanentError, too
    ├── PermanentError
    ├── TaskNotFound
    ├── TaskAlreadyStarted
    ├── TaskIdTaken
    ├── TooDeep
    ├── NotRedrivable
    ├── NoResult
    │   └── ResultExpired
    ├── TaskFailed
    ├── PartsFailed
    ├── TaskRevoked                stands for celery.exceptions.TaskRevokedError
    ├── MaxRetriesExceeded         stands for celery.exceptions.MaxRetriesExceededError
    ├── SoftTimeLimitExceeded      stands for celery.exceptions.SoftTimeLimitExceeded
    └── Retry

    BaseException
    ├── TimeLimitExceeded          stands for celery.exceptions.TimeLimitExceeded
    ├── OutOfTime
    │   └── LoopGivenUp
    └── GiveBack

A class's docstring is its default message. An error that stands for one of Celery's is written into
a task's result under Celery's name, so that a Celery client raises its own.
"""

from collections.abc import Sequence
from typing import ClassVar


class TaskQueueError(Exception):
    """The task queue failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class PoisonMessage(TaskQueueError):
    """The message can never be run."""

    def __init__(self, reason: str, task_id: str | None = None, task: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.task_id = task_id
        self.task = task


class WrongArguments(TaskQueueError, TypeError):
    """The arguments do not fit the task."""


class TaskNameTaken(TaskQueueError):
    """The app has a task of that name already."""


class NoSettings(TaskQueueError):
    """This process has no settings of a stack, so it cannot send: see docs/writing-tasks.md."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            "this process has no settings of a stack, so it can neither send a task nor ask for "
            f"a result: its environment lacks {', '.join(names)}. "
            'How to get them: docs/writing-tasks.md, "Sending"; in a test, use '
            "taskqueue.testing.InMemory (docs/testing.md)."
        )


class NoCelery(TaskQueueError):
    """Signatures, chains, groups and chords are Celery's: install taskqueue[celery]."""


class DirectCall(TaskQueueError):
    """The task was called as a function: it has no worker and no record. See docs/testing.md."""


class PermanentError(TaskQueueError):
    """The request is refused however often it is made: `dont_autoretry_for` such errors."""


class StoreError(TaskQueueError):
    """The database refused the request or did not answer."""


class Throttled(StoreError):
    """The database is throttling; try again later."""


class StoreRefused(StoreError, PermanentError):
    """The database refuses the request, and will again."""


class SendError(TaskQueueError):
    """The queue did not take the message."""


class SendRefused(SendError, PermanentError):
    """The queue refuses the message, and will again."""


class MessageTooLarge(SendError, PermanentError):
    """The message is larger than the 1,048,576 bytes that SQS takes."""


class TaskNotFound(TaskQueueError):
    """There is no task of that id."""


class TaskAlreadyStarted(TaskQueueError):
    """The task has started or finished and can no longer be revoked."""


class TaskIdTaken(TaskQueueError):
    """The task id is that of a task of another name."""


class TooDeep(TaskQueueError):
    """The task has too many parents above it: it looks like tasks that send each other for ever."""


class NotRedrivable(TaskQueueError):
    """The dead letter's task has gone on without it."""


class NoResult(TaskQueueError):
    """The task has no result, or none yet."""


class ResultExpired(NoResult):
    """The task has finished, and its result is no longer kept (`ResultTtlSeconds`)."""


class TaskFailed(TaskQueueError):
    """The task failed with an error whose class is not known here."""


class PartsFailed(TaskQueueError):
    """Parts of the task failed."""

    def __init__(self, failures: int, first_error: str) -> None:
        super().__init__(f"{failures} of its parts failed; the first: {first_error}")


class TaskRevoked(TaskQueueError):
    """The task was revoked, or waited beyond its expiry."""

    celery_name: ClassVar[str] = "TaskRevokedError"


class MaxRetriesExceeded(TaskQueueError):
    """The task asked to be run again more often than it may be."""

    celery_name: ClassVar[str] = "MaxRetriesExceededError"


class SoftTimeLimitExceeded(TaskQueueError):
    """The task ran longer than its soft time limit."""

    celery_name: ClassVar[str] = "SoftTimeLimitExceeded"


class Retry(TaskQueueError):
    """The task asks to be run again.

    `countdown_seconds`: after how long; the task's own delay where it is None. `cause`: the error
    that a record and, in the end, a failure show.
    """

    def __init__(
        self, countdown_seconds: float | None = None, cause: BaseException | None = None
    ) -> None:
        super().__init__("The task asks to be run again.")
        self.countdown_seconds = countdown_seconds
        self.cause = cause


class TimeLimitExceeded(BaseException):
    """The task ran longer than its time limit.

    No `Exception`, so that a task's own `except Exception` cannot swallow it.
    """

    celery_name: ClassVar[str] = "TimeLimitExceeded"


class OutOfTime(BaseException):
    """The worker's own time is over before the task's is: the task is given back."""


class LoopGivenUp(OutOfTime):
    """The event loop that the task shares was blocked or ended by something else, and given up."""


class GiveBack(BaseException):
    """The task is given back: what the worker itself needs, a table or a queue, is throttled.

    No `Exception`, so that it does not become a failure of the task.
    """


STANDING_FOR_CELERY: dict[str, type[BaseException]] = {
    kind.celery_name: kind
    for kind in (TaskRevoked, MaxRetriesExceeded, SoftTimeLimitExceeded, TimeLimitExceeded)
}
