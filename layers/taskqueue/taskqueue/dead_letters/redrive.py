"""Sends a dead letter to its queue again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from taskqueue.aws.errors import send_errors
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.dead_letters.store import DeadLetterStore
from taskqueue.errors import PoisonMessage, SendError, TaskQueueError
from taskqueue.message import Message, decode
from taskqueue.queue import Queue
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

        The record comes first, since a worker does not run a task that is FAILURE. The letter goes
        last: where a step fails it stays, and may be redriven again. Two messages of one task do no
        harm, since the task is claimed once.

        Raises:
            SendError: the queue did not take the message; the task is FAILURE as before.
            StoreError: a record could not be changed.
        """
        message = _message(letter)
        if message:
            self._tasks.reset(message, now_ms)
        try:
            with send_errors():
                self._sqs.send_message(
                    QueueUrl=self._queues[letter.queue].url, MessageBody=letter.body
                )
        except SendError:
            if message:
                error = ErrorInfo.of(TaskQueueError(letter.reason))
                self._tasks.fail(message, error, now_ms)
            raise
        self._letters.delete(letter.id)


def _message(letter: DeadLetter) -> Message | None:
    """Return the task of a letter; one that cannot be read may still be known by its id."""
    try:
        return decode(letter.body)
    except PoisonMessage:
        if letter.task_id and letter.task:
            return Message(letter.task, letter.task_id, queue=letter.queue)
        return None
