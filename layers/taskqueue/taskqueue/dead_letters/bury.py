"""Keeps a dead letter and says so in the record of its task."""

from typing import Protocol

from taskqueue.dead_letters.letter import DeadLetter, ReadLetter
from taskqueue.errors import TaskQueueError
from taskqueue.message import Message
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import TaskStore


class Letters(Protocol):
    """Where letters are kept."""

    def put(self, letter: DeadLetter) -> None:
        """Write a letter; writing it again changes nothing."""
        ...


def bury(read: ReadLetter, letters: Letters, tasks: TaskStore, now_ms: int) -> None:
    """Write the letter, then FAILURE with the task's own error; doing it again changes nothing.

    Raises:
        StoreError, Throttled: a write failed; the message must come back.
    """
    letters.put(read.letter)
    failed = _failed_task(read.letter, read.message, tasks)
    if failed:
        error = read.error or ErrorInfo.of(TaskQueueError(read.letter.reason))
        tasks.fail(failed, error, now_ms)


def _failed_task(letter: DeadLetter, message: Message | None, tasks: TaskStore) -> Message | None:
    """Return the task that has failed; for a part, that is the task to which it belongs.

    A part has no record of its own. A parent without parts only sent this task, and has not failed.
    """
    if message and message.parent_id:
        parent = tasks.get(message.parent_id)
        if parent and parent.parts:
            return Message(parent.task, parent.id, queue=parent.queue, turn=parent.turn)
    if letter.task_id and letter.task:
        return message or Message(letter.task, letter.task_id, queue=letter.queue)
    return None
