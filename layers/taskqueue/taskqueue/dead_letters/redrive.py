"""Sends a dead letter to its queue again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.dead_letters.store import DeadLetterStore
from taskqueue.errors import NotRedrivable, PoisonMessage, SendError, TaskQueueError
from taskqueue.message import Message, decode, sent_again
from taskqueue.queue import Queue
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import TaskStore

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Redriver:
    """Brings dead letters back to life."""

    def __init__(
        self,
        sqs: "SQSClient",
        tasks: TaskStore,
        letters: DeadLetterStore,
        queues: Mapping[str, Queue],
    ) -> None:
        self._sqs = sqs
        self._tasks = tasks
        self._letters = letters
        self._queues = queues

    def redrive(self, letter: DeadLetter, now_ms: int) -> None:
        """Let the task wait again, send its message, remove the letter: in this order.

        It is a new turn of the task, so that a late copy of the letter does not fail it again, and
        its `eta` and `expires` are gone: whoever redrives it wants it to run. Whatever fails on the
        way leaves the letter, which may be redriven again.

        Raises:
            NotRedrivable: the task has gone on without this letter; it says how.
            SendError: the queue did not take the message; the task is FAILURE as before.
            StoreError: a record could not be read or changed.
        """
        message = _decoded(letter)
        if message is None:
            self._send(letter.queue, letter.body)
        else:
            self._redrive(replace(message, turn=self._turn(message, now_ms)), letter, now_ms)
        self._letters.delete(letter.id)

    def _redrive(self, message: Message, letter: DeadLetter, now_ms: int) -> None:
        body = sent_again(
            letter.body, turn=message.turn, after=None, retries=0, eta=None, expires=None
        )
        try:
            self._send(letter.queue, body)
        except SendError:
            error = ErrorInfo.of(TaskQueueError(letter.reason))
            self._tasks.fail(message, error, now_ms)
            raise

    def _send(self, queue: str, body: str) -> None:
        with send_errors():
            self._sqs.send_message(QueueUrl=self._queues[queue].url, MessageBody=body)

    def _turn(self, message: Message, now_ms: int) -> int:
        """Make the task's record wait for a new turn, and return it."""
        record = self._tasks.get(message.id)
        if record is None:
            return message.turn + 1
        if record.status == states.PENDING and record.turn > message.turn:
            # An earlier redrive came so far, and its message may not have been sent.
            return record.turn
        turn = max(record.turn, message.turn) + 1
        if not self._tasks.reset(replace(message, turn=turn, eta_ms=None), now_ms):
            raise NotRedrivable(f"the task is {record.status}; only a FAILURE can be redriven")
        return turn


def _decoded(letter: DeadLetter) -> Message | None:
    """Return the task of a letter; None for one that cannot be read, which goes as it is."""
    try:
        return decode(letter.body)
    except PoisonMessage:
        return None
