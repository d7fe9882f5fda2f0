"""A task queue on SQS, Lambda and DynamoDB, compatible with Celery.

What a user's code imports stands here; a name is loaded when it is first used, so that a cold start
pays only for what it needs.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskqueue.app import App as App
    from taskqueue.context import DEFERRED as DEFERRED
    from taskqueue.context import Context as Context
    from taskqueue.errors import DirectCall as DirectCall
    from taskqueue.errors import MaxRetriesExceeded as MaxRetriesExceeded
    from taskqueue.errors import MessageTooLarge as MessageTooLarge
    from taskqueue.errors import NoCelery as NoCelery
    from taskqueue.errors import NoResult as NoResult
    from taskqueue.errors import NoSettings as NoSettings
    from taskqueue.errors import NotRedrivable as NotRedrivable
    from taskqueue.errors import PartsFailed as PartsFailed
    from taskqueue.errors import PermanentError as PermanentError
    from taskqueue.errors import PoisonMessage as PoisonMessage
    from taskqueue.errors import ResultExpired as ResultExpired
    from taskqueue.errors import Retry as Retry
    from taskqueue.errors import SendError as SendError
    from taskqueue.errors import SendRefused as SendRefused
    from taskqueue.errors import SoftTimeLimitExceeded as SoftTimeLimitExceeded
    from taskqueue.errors import StoreError as StoreError
    from taskqueue.errors import StoreRefused as StoreRefused
    from taskqueue.errors import TaskAlreadyStarted as TaskAlreadyStarted
    from taskqueue.errors import TaskFailed as TaskFailed
    from taskqueue.errors import TaskIdTaken as TaskIdTaken
    from taskqueue.errors import TaskNameTaken as TaskNameTaken
    from taskqueue.errors import TaskNotFound as TaskNotFound
    from taskqueue.errors import TaskQueueError as TaskQueueError
    from taskqueue.errors import TaskRevoked as TaskRevoked
    from taskqueue.errors import Throttled as Throttled
    from taskqueue.errors import TimeLimitExceeded as TimeLimitExceeded
    from taskqueue.errors import TooDeep as TooDeep
    from taskqueue.errors import WrongArguments as WrongArguments
    from taskqueue.result import Result as Result
    from taskqueue.sending.client import send_many as send_many
    from taskqueue.task import Task as Task

_ERRORS = (
    "DirectCall",
    "MaxRetriesExceeded",
    "MessageTooLarge",
    "NoCelery",
    "NoResult",
    "NoSettings",
    "NotRedrivable",
    "PartsFailed",
    "PermanentError",
    "PoisonMessage",
    "ResultExpired",
    "Retry",
    "SendError",
    "SendRefused",
    "SoftTimeLimitExceeded",
    "StoreError",
    "StoreRefused",
    "TaskAlreadyStarted",
    "TaskFailed",
    "TaskIdTaken",
    "TaskNameTaken",
    "TaskNotFound",
    "TaskQueueError",
    "TaskRevoked",
    "Throttled",
    "TimeLimitExceeded",
    "TooDeep",
    "WrongArguments",
)
_MODULES = {
    "App": "taskqueue.app",
    "Context": "taskqueue.context",
    "DEFERRED": "taskqueue.context",
    "Result": "taskqueue.result",
    "Task": "taskqueue.task",
    "send_many": "taskqueue.sending.client",
    **dict.fromkeys(_ERRORS, "taskqueue.errors"),
}
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'taskqueue' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
