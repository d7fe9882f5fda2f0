"""Keeps a dead letter and says so in the record of its task."""

from typing import Protocol

from taskqueue.dead_letters.letter import DeadLetter, ReadLetter
from taskqueue.errors import TaskQueueError
from taskqueue.groups.finishing import end_whole, finish_part
from taskqueue.groups.part import Failed, Part
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import TaskStore
from taskqueue.sending.canvas import ENDED, is_followed, tell_canvas
from taskqueue.sending.sender import Sender


class Letters(Protocol):
    """Where letters are kept."""

    def put(self, letter: DeadLetter) -> None:
        """Write a letter; writing it again changes nothing."""
        ...


def bury(read: ReadLetter, letters: Letters, tasks: TaskStore, now_ms: int, sender: Sender) -> None:
    """Write the letter, then FAILURE with the task's own error; doing it again changes nothing.

    A part of a group is done then, with its error; if it was the last, the whole ends. What follows
    the task, its errbacks or its chord, hears of it.

    Raises:
        StoreError, Throttled: a write failed; the message must come back.
        SendError: what follows the task is not told; the message must come back.
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
        _tell_canvas(read, tasks, now_ms, sender)


def _tell_canvas(read: ReadLetter, tasks: TaskStore, now_ms: int, sender: Sender) -> None:
    """Let what follows a task hear of its failure, unless its worker says so itself."""
    message = read.message
    has_worker = read.error is not None and read.attempt is not None
    if message is None or has_worker or ENDED in message.headers:
        return
    if not is_followed(message, states.FAILURE):
        return
    record = tasks.get(message.id)
    if record and record.status == states.FAILURE and record.turn == message.turn:
        tell_canvas(sender, message, read.letter.body, states.FAILURE, now_ms)


def _finish_part(part: Part, error: ErrorInfo, tasks: TaskStore, now_ms: int) -> None:
    record = tasks.get(part.whole_id)
    if record is None or record.parts is None:
        return
    whole = finish_part(tasks, part, Failed(error.title), now_ms)
    if whole:
        message = Message(record.task, record.id, queue=record.queue)
        end_whole(tasks, message, whole, now_ms)
