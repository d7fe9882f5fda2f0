"""Keeps a dead letter and says so in the record of its task."""

from typing import Protocol

from taskqueue.dead_letters.letter import DeadLetter, ReadLetter
from taskqueue.errors import TaskQueueError
from taskqueue.groups.finishing import end_whole, finish_part
from taskqueue.groups.part import Failed, Part
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

    A part of a group is done then, with its error; if it was the last, the whole ends.

    Raises:
        StoreError, Throttled: a write failed; the message must come back.
    """
    letters.put(read.letter)
    letter, message = read.letter, read.message
    error = read.error or ErrorInfo.of(TaskQueueError(letter.reason))
    if message and message.part:
        if tasks.get(message.id):
            # A part has a record of its own only when its first run did not end well.
            tasks.fail(message, error, now_ms, read.attempt)
        _finish_part(message.part, error, tasks, now_ms)
    elif letter.task_id and letter.task:
        failed = message or Message(letter.task, letter.task_id, queue=letter.queue)
        tasks.fail(failed, error, now_ms, read.attempt)


def _finish_part(part: Part, error: ErrorInfo, tasks: TaskStore, now_ms: int) -> None:
    record = tasks.get(part.whole_id)
    if record is None or record.parts is None:
        return
    whole = finish_part(tasks, part, Failed(error.title), now_ms)
    if whole:
        message = Message(record.task, record.id, queue=record.queue)
        end_whole(tasks, message, whole, now_ms)
