"""Runs the tasks of an app in a unit test: the real worker, on queues and records in memory.

with InMemory(app) as memory:
    result = notify_friends.delay("80", "n1")
    memory.work()
    assert result.get() == 1_045
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from aws_lambda_powertools import Logger

from taskqueue import clock
from taskqueue.aws.unprocessed import Patience
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import PoisonMessage
from taskqueue.message import Message, decode
from taskqueue.queue import Queue
from taskqueue.result import Result
from taskqueue.sending.client import TaskClient, using
from taskqueue.sending.sender import Sender
from taskqueue.task import AnyTask
from taskqueue.testing.broker import MemoryBroker, StoredMessage, lambda_event
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.worker.delivery import Tasks
from taskqueue.worker.execution import Execution
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_sqs import SQSClient

BATCH_SIZE = 10
# The longest that a Lambda function may run.
INVOCATION_MS = 900_000


class AppWithQueues(Tasks, Protocol):
    """An `App`, or the tasks of a Celery app."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def queue(self) -> str:
        """The logical name of the queue of tasks that name none."""
        ...

    @property
    def tasks(self) -> Mapping[str, AnyTask]:
        """Its tasks by name."""
        ...


class Handles(Protocol):
    """What the Lambda of a queue does with its events."""

    def handle(self, event: Mapping[str, Any], context: "LambdaContext") -> Any:
        """Handle an event; return which messages come back."""
        ...


class InMemory:
    """The queues, records and workers of one app; within `with`, `delay` sends to them.

    Time stands still but for `work`, which moves on to what falls due, and for waiting, a worker's
    or that of `result.get()`. `now_ms`: when it begins; the time now, if not given.
    """

    def __init__(
        self,
        app: AppWithQueues,
        now_ms: int | None = None,
        execution: Callable[..., Execution] = Execution,
    ) -> None:
        self._now_ms = clock.now_ms() if now_ms is None else now_ms
        self._app = app
        self._execution = execution
        self._raised: dict[str, BaseException] = {}
        self._within = ExitStack()
        self.store = MemoryTaskStore(self.now_ms)
        self.broker = MemoryBroker(self.now_ms)
        names = {app.queue, *(task.queue for task in app.tasks.values())}
        self.queues = {name: self.broker.create_queue(name) for name in sorted(names)}
        self._dead_letters = self.broker.create_queue("dead-letters")
        self._sqs = cast("SQSClient", self.broker)
        self.sender = Sender(self._sqs, self.store, self.queues, patience=Patience(self._sleep))
        self.client = TaskClient(self.sender, self.store, self.now_ms, sleep=self.work)
        self._workers: dict[str, Handles] = {
            name: self._worker(queue) for name, queue in self.queues.items()
        }

    def __enter__(self) -> Self:
        """Let `delay`, `apply_async` and `send_many` send to these queues."""
        self._within.enter_context(using(self.client))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let them send where they sent before."""
        self._within.close()

    def add_queue(self, name: str, handles: Handles) -> None:
        """Add a queue whose messages something else handles than the workers of the app."""
        self.queues[name] = self.broker.create_queue(name)
        self._workers[name] = handles

    def now_ms(self) -> int:
        """Return its time, in milliseconds since the epoch."""
        return self._now_ms

    def send(self, message: Message) -> Result[Any]:
        """Send a message of one's own making, as a stock Celery client's."""
        task = self._app.tasks.get(message.task)
        if task is not None and task.options.idempotent:
            self.sender.send_unrecorded([message], self._now_ms)
        else:
            self.sender.send(message, self._now_ms)
        return self.client.result(message.id)

    def work(self, seconds: float = 0) -> None:
        """Run all that is due, and all that falls due within so many seconds from now."""
        end_ms = self._now_ms + round(seconds * 1000)
        while (next_ms := self._next_ms()) is not None and next_ms <= end_ms:
            self._now_ms = max(self._now_ms, next_ms)
            for queue in self.queues.values():
                self._work(queue)
        self._now_ms = max(self._now_ms, end_ms)

    def raised(self, result: Result[Any]) -> BaseException | None:
        """Return the very exception that a task raised last; None if it raised none."""
        return self._raised.get(result.id)

    def dead_letters(self) -> list[RejectedMessage]:
        """Return what came to the dead letters, with the reasons."""
        return [_rejected(message) for message in self.broker.messages(self._dead_letters.url)]

    def _worker(self, queue: Queue) -> Worker:
        return Worker(
            app=self._app,
            store=self.store,
            sender=self.sender,
            visibility=Visibility(self._sqs, queue),
            dead_letters=DeadLetterQueue(self._sqs, self._dead_letters.url),
            logger=Logger(service=self._app.name),
            metrics=cast("Metrics", _NoMetrics()),
            now_ms=self.now_ms,
            sleep=self._sleep,
            sleep_async=self._sleep_async,
            soon=_not_sooner,
            raised=self._remember,
            execution=self._execution,
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
                _due_ms(message)
                for queue in self.queues.values()
                for message in self.broker.messages(queue.url)
            ),
            default=None,
        )

    def _remember(self, message: Message, error: BaseException) -> None:
        self._raised[message.id] = error

    def _sleep(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)

    async def _sleep_async(self, seconds: float) -> None:
        self._sleep(seconds)


def _not_sooner(_write: Callable[[], None]) -> None:
    """Ends are written when a batch is settled: no time passes in between."""


def _due_ms(message: StoredMessage) -> int:
    """Return when a message is run: SQS brings it a second early, and the worker waits."""
    try:
        return max(message.visible_at_ms, decode(message.body).eta_ms or 0)
    except PoisonMessage:
        return message.visible_at_ms


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
