"""The errors of the books application.

TaskQueueError
├── UnreadableData
└── InvalidView
"""

from taskqueue.errors import TaskQueueError


class UnreadableData(TaskQueueError):
    """The item cannot be read: it is damaged, or of another version."""


class InvalidView(TaskQueueError):
    """A view is not valid: `index` is its place in the list, `field` and `reason` say what for."""

    def __init__(self, index: int, field: str, reason: str) -> None:
        super().__init__(f"views.{index}.{field}: {reason}")
        self.index = index
        self.field = field
        self.reason = reason
