"""One delivery of a message to the worker, read and checked: no I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from taskqueue.errors import PoisonMessage
from taskqueue.message import Message, decode
from taskqueue.records.publishes import of_publish
from taskqueue.task import AnyTask

# The worker itself waits for a task that is due so soon: SQS counts in whole seconds only.
MAX_WAIT_MS = 2_000


class Tasks(Protocol):
    """The tasks that a worker can run: those of an `App`, or of a Celery app."""

    @property
    def name(self) -> str:
        """The app's name."""
        ...

    @property
    def queue(self) -> str:
        """The logical name of the queue that they come from."""
        ...

    def task_of(self, message: Message) -> AnyTask:
        """Return the task that a message asks for.

        Raises:
            PoisonMessage: no task here can be run as the message says.
        """
        ...


class Delivery(NamedTuple):
    """A message of a known task, as it was received."""

    message_id: str
    receipt_handle: str
    receive_count: int
    sent_at_ms: int
    body: str
    message: Message
    task: AnyTask

    @property
    def due_at_ms(self) -> int:
        """When the task may start."""
        return self.message.eta_ms or 0

    @property
    def is_recorded(self) -> bool:
        """Whether the task is claimed: an idempotent one only when its first run did not end well.

        A retry, or a second delivery, may be of a task that fails or kills its worker each time:
        somebody has to count. And what follows a task reads its result in its record.
        """
        is_first = self.message.turn == 0 and self.receive_count == 1
        is_last = not self.message.embed
        return not (self.task.options.idempotent and is_first and is_last)

    def of_publish(self, number: int) -> "Delivery":
        """Return the delivery of a message that says its turn, given its publish's number."""
        return self._replace(message=of_publish(self.message, number))

    def is_early(self, now_ms: int) -> bool:
        """Whether the task is due later than the worker waits for it."""
        return self.due_at_ms - now_ms > MAX_WAIT_MS

    def has_expired(self, now_ms: int) -> bool:
        """Whether the caller's `expires`, or the task's own, has passed."""
        by_caller = self.message.expires_at_ms
        if by_caller is not None and now_ms >= by_caller:
            return True
        lifetime = self.task.options.expires_seconds
        since_ms = max(self.sent_at_ms, self.due_at_ms)
        return lifetime is not None and now_ms >= since_ms + lifetime * 1000


def read(record: Mapping[str, Any], tasks: Tasks, queue: str) -> Delivery:
    """Read one record of an SQS event of the queue with that logical name.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event

    Raises:
        PoisonMessage: it is no Celery task in JSON, or none that can be run as it says.
    """
    message = decode(record["body"])
    try:
        task = tasks.task_of(message)
    except PoisonMessage as error:
        raise PoisonMessage(str(error), message.id, message.task) from None
    attributes = record["attributes"]
    return Delivery(
        message_id=record["messageId"],
        receipt_handle=record["receiptHandle"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_at_ms=int(attributes["SentTimestamp"]),
        body=record["body"],
        message=replace(message, queue=queue),
        task=task,
    )
