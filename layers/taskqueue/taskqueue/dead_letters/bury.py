"""Keeps a dead letter and says so in the record of its task."""

from collections.abc import Sequence
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
    error = read.error or ErrorInfo.of(TaskQueueError(read.letter.reason))
    for failed in _failed_tasks(read.letter, read.message, tasks):
        # The attempt is one of the letter's own task, not of that to which it belongs as a part.
        attempt = read.attempt if failed.id == read.letter.task_id else None
        tasks.fail(failed, error, now_ms, attempt)


def _failed_tasks(
    letter: DeadLetter, message: Message | None, tasks: TaskStore
) -> Sequence[Message]:
    """Return the tasks that have failed: the letter's, and of a part the task it belongs to, too.

    A part has a record of its own only when its first run did not end well. A parent without parts
    only sent this task, and has not failed.
    """
    if message and message.parent_id:
        parent = tasks.get(message.parent_id)
        if parent and parent.parts:
            whole = Message(parent.task, parent.id, queue=parent.queue, turn=parent.turn)
            return [message, whole] if tasks.get(message.id) else [whole]
    if letter.task_id and letter.task:
        return [message or Message(letter.task, letter.task_id, queue=letter.queue)]
    return []
