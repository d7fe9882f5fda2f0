"""Sends a dead letter to its queue again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.dead_letters.store import DeadLetterStore
from taskqueue.errors import NotRedrivable, PoisonMessage
from taskqueue.message import Message, decode, next_turn, sent_again
from taskqueue.queue import Queue
from taskqueue.records import states
from taskqueue.records.store import TaskStore
from taskqueue.sending.canvas import ENDED

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
            MessageTooLarge: its message does not fit the queue any more; nothing was changed.
            SendError: the queue did not take the message; the task waits, for the next redrive.
            StoreError: a record could not be read or changed.
        """
        message = _decoded(letter)
        if message is None:
            self._send(letter.queue, letter.body)
        else:
            self._redrive(message, letter, now_ms)
        self._letters.delete(letter.id)

    def _redrive(self, message: Message, letter: DeadLetter, now_ms: int) -> None:
        record = self._tasks.get(message.id)
        # A redrive that was cut short may have come so far, and not have sent its message.
        waits = record and record.status == states.PENDING and record.turn > message.turn
        last_turn = max(record.turn, message.turn) if record else message.turn
        turn = last_turn if waits else next_turn(last_turn)
        body = sent_again(letter.body, turn=turn, after=None, retries=0, eta=None, expires=None)
        if record and not waits:
            again = replace(message, turn=turn, eta_ms=None)
            if not self._tasks.reset(again, now_ms):
                reason = f"the task is {record.status}; only a FAILURE can be redriven"
                raise NotRedrivable(reason)
        self._send(letter.queue, body)

    def _send(self, queue: str, body: str) -> None:
        with send_errors():
            self._sqs.send_message(QueueUrl=self._queues[queue].url, MessageBody=body)


def _decoded(letter: DeadLetter) -> Message | None:
    """Return the task of a letter; None for one that goes as it is.

    That is one that cannot be read, or whose task has ended and is only to be followed.
    """
    try:
        message = decode(letter.body)
    except PoisonMessage:
        return None
    return None if ENDED in message.headers else message
