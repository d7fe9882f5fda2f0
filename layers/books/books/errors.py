"""The errors of the books application.

TaskQueueError
├── UnreadableData
├── InvalidView
└── ViewsUnwritten
"""

from collections.abc import Iterable

from taskqueue.errors import StoreError, TaskQueueError


class UnreadableData(TaskQueueError):
    """The item cannot be read: it is damaged, or of another version."""


class InvalidView(TaskQueueError):
    """A view is not valid: `index` is its place in the list, `field` and `reason` say what for."""

    def __init__(self, index: int, field: str, reason: str) -> None:
        super().__init__(f"views.{index}.{field}: {reason}")
        self.index = index
        self.field = field
        self.reason = reason


class ViewsUnwritten(TaskQueueError):
    """Some views were not written, because of `cause`.

    `message_keys`: of the messages that have such views; all views of other messages are written.
    """

    def __init__(self, cause: StoreError, message_keys: Iterable[bytes]) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.message_keys = frozenset(message_keys)
