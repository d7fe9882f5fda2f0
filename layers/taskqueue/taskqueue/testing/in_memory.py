"""Runs the tasks of an app in a unit test: the real worker, on queues and records in memory.

run = InMemory(app)
task_id = run.delay(notify_friends, "80", "n1")
run.work()
assert run.get(task_id) == 1_045
"""

import uuid
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger

from taskqueue import clock
from taskqueue.app import App, Task
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.dead_letters.sender import DeadLetterSender
from taskqueue.errors import NoResult, Retry, TaskNotFound
from taskqueue.message import Message
from taskqueue.queue import Queue
from taskqueue.records import states
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker, StoredMessage, lambda_event
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.worker.outcome import Attempt
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

BATCH_SIZE = 10
# The longest that a Lambda function may run.
INVOCATION_MS = 900_000


class InMemory:
    """The queues, records and workers of one app.

    Time stands still but for `work`, which moves on to what falls due, and for a worker's own
    waiting. `now_ms`: when it begins; the time now, if not given.
    """

    def __init__(self, app: App, now_ms: int | None = None) -> None:
        self._now_ms = clock.now_ms() if now_ms is None else now_ms
        self.store = MemoryTaskStore()
        self.broker = MemoryBroker(self.now_ms)
        names = {app.queue, *(task.queue for task in app.tasks.values())}
        self.queues = {name: self.broker.create_queue(name) for name in sorted(names)}
        sqs = cast("SQSClient", self.broker)
        self.sender = Sender(sqs, self.store, self.queues, sleep=self._sleep)
        self._app = app
        self._errors: dict[str, BaseException] = {}
        self._workers = {name: self._worker(sqs, queue) for name, queue in self.queues.items()}

    def now_ms(self) -> int:
        """Return its time, in milliseconds since the epoch."""
        return self._now_ms

    def delay(self, task: Task, *args: Any, **kwargs: Any) -> str:
        """Send a task, as Celery's `delay` does; return its id."""
        message = Message(task.name, str(uuid.uuid4()), args, kwargs, queue=task.queue)
        self.send(message)
        return message.id

    def send(self, message: Message) -> None:
        """Send a message of one's own making: with an id, an `eta_ms`, an expiry."""
        task = self._app.tasks.get(message.task)
        if task is not None and task.options.idempotent:
            self.sender.send_unrecorded([message], self._now_ms)
        else:
            self.sender.send(message, self._now_ms)

    def work(self, seconds: float = 0) -> None:
        """Run all that is due, and all that falls due within so many seconds from now."""
        end_ms = self._now_ms + round(seconds * 1000)
        while (next_ms := self._next_ms()) is not None and next_ms <= end_ms:
            self._now_ms = max(self._now_ms, next_ms)
            for queue in self.queues.values():
                self._work(queue)
            end_ms = max(end_ms, self._now_ms)
        self._now_ms = end_ms

    def get(self, task_id: str) -> Any:
        """Return the result of a task, or raise the very exception that its function raised.

        Raises:
            TaskNotFound: no task of that id was sent, or it is idempotent and has no record.
            NoResult: the task has not finished, was revoked, or never came to run.
        """
        record = self.store.get(task_id)
        if record is None:
            raise TaskNotFound
        if record.status == states.SUCCESS:
            return record.result
        if record.status == states.FAILURE and task_id in self._errors:
            raise self._errors[task_id]
        raise NoResult(f"the task is {record.status}")

    def dead_letters(self) -> list[RejectedMessage]:
        """Return what came to the dead letters, with the reasons."""
        return [
            _rejected(message)
            for queue in self.queues.values()
            for message in self.broker.messages(queue.dead_letter_url)
        ]

    def _worker(self, sqs: "SQSClient", queue: Queue) -> "_RememberingWorker":
        return _RememberingWorker(
            app=self._app,
            store=self.store,
            sender=self.sender,
            visibility=Visibility(sqs, queue),
            dead_letters=DeadLetterSender(sqs, queue.dead_letter_url),
            logger=Logger(service=self._app.name),
            metrics=cast("Metrics", _NoMetrics()),
            now_ms=self.now_ms,
            sleep=self._sleep,
            errors=self._errors,
        )

    def _work(self, queue: Queue) -> None:
        """Do with one batch what Lambda's event source mapping does."""
        received = self.broker.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=BATCH_SIZE)[
            "Messages"
        ]
        if not received:
            return
        response = self._workers[queue.name].handle(
            lambda_event(queue, received), cast("LambdaContext", _Invocation())
        )
        kept = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for message in received:
            if message["MessageId"] not in kept:
                self.broker.delete_message(
                    QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"]
                )

    def _next_ms(self) -> int | None:
        return min(
            (
                message.visible_at_ms
                for queue in self.queues.values()
                for message in self.broker.messages(queue.url)
            ),
            default=None,
        )

    def _sleep(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)


class _RememberingWorker(Worker):
    """A worker that remembers what the tasks raised, by task id."""

    def __init__(self, *, errors: dict[str, BaseException], **parts: Any) -> None:
        super().__init__(**parts)
        self._errors = errors

    def _call(self, attempt: Attempt) -> Any:
        try:
            return super()._call(attempt)
        except BaseException as error:
            cause = error.cause if isinstance(error, Retry) else None
            self._errors[attempt.delivery.message.id] = cause or error
            raise


class _Invocation:
    def get_remaining_time_in_millis(self) -> int:
        return INVOCATION_MS


class _NoMetrics:
    def add_metric(self, **_metric: Any) -> None:
        """Drop it."""

    def flush_metrics(self) -> None:
        """Nothing to write."""


def _rejected(message: StoredMessage) -> RejectedMessage:
    texts = {name: attribute["StringValue"] for name, attribute in message.attributes.items()}
    return RejectedMessage.read(message.body, texts)
