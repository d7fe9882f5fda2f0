"""The errors of the task queue.

    TaskQueueError
    ├── PoisonMessage
    ├── StoreError
    │   └── Throttled
    ├── SendError
    │   └── MessageTooLarge
    ├── TaskNotFound
    ├── TaskAlreadyStarted
    ├── TaskIdTaken
    ├── NoResult
    ├── TimeLimitExceeded
    └── Retry

A class's docstring is its default message.
"""


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


class StoreError(TaskQueueError):
    """The database refused the request or did not answer."""


class Throttled(StoreError):
    """The database is throttling; try again later."""


class SendError(TaskQueueError):
    """The queue did not take the message."""


class MessageTooLarge(SendError):
    """The message is larger than the 1,048,576 bytes that SQS takes."""


class TaskNotFound(TaskQueueError):
    """There is no task of that id."""


class TaskAlreadyStarted(TaskQueueError):
    """The task has started or finished and can no longer be revoked."""


class TaskIdTaken(TaskQueueError):
    """The task id is that of a task of another name."""


class NoResult(TaskQueueError):
    """The task has no result."""


class TimeLimitExceeded(TaskQueueError):
    """The task ran longer than its time limit."""


class Retry(TaskQueueError):
    """The task asks to be run again."""

    def __init__(
        self, countdown_seconds: float | None = None, cause: BaseException | None = None
    ) -> None:
        super().__init__()
        self.countdown_seconds = countdown_seconds
        self.cause = cause
