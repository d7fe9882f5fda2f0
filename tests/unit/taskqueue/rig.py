"""A worker on queues and records in memory, which may fail or die at any call."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from taskqueue.app import App
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.message import Message, encode
from taskqueue.records.record import TaskRecord
from taskqueue.sending.one_time_schedules import OneTimeSchedules
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker, lambda_event
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.testing.scheduler import MemoryScheduler
from taskqueue.worker.acknowledgement import Soon
from taskqueue.worker.execution import Execution
from taskqueue.worker.visibility import Visibility
from taskqueue.worker.worker import Worker
from tests.unit.taskqueue.deliveries import NOW_MS

VISIBILITY_SECONDS = 60


class Died(KeyboardInterrupt):
    """The worker's process was killed: what a worker takes for no error of a task's."""


class Wraps(Protocol):
    """Stands between a worker and what it calls."""

    def wrap(self, target: Any) -> Any:
        """Return `target` behind this."""
        ...


class Fuse:
    """Passes calls on; it may fail some by name, and die before or after a call by number."""

    def __init__(self) -> None:
        self.errors: dict[str, list[Exception]] = {}
        self.calls: list[str] = []
        self.die_before: int | None = None
        self.die_after: int | None = None
        self.dead = False

    def wrap(self, target: Any) -> Any:
        """Return `target` behind this fuse."""
        return _Fused(target, self)

    def call(self, name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Make one call, unless it is to fail or the process is dead."""
        number = len(self.calls)
        self.calls.append(name)
        if self.dead or number == self.die_before:
            self.dead = True
            raise Died
        if self.errors.get(name):
            raise self.errors[name].pop(0)
        value = method(*args, **kwargs)
        if number == self.die_after:
            self.dead = True
            raise Died
        return value

    def mend(self) -> None:
        """Let everything pass again."""
        self.die_before = self.die_after = None
        self.dead = False


class _Fused:
    def __init__(self, target: Any, fuse: Fuse) -> None:
        self._target = target
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return functools.partial(self._fuse.call, name, getattr(self._target, name))


class Metrics:
    """Adds up what the worker counts."""

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}

    def add_metric(self, name: str, unit: Any, value: float) -> None:
        self.counts[name] = self.counts.get(name, 0) + value

    def flush_metrics(self) -> None: ...


class Invocation:
    """A Lambda context with so much time left."""

    def __init__(self, remaining_ms: int) -> None:
        self._remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms


def _not_sooner(_write: Callable[[], None]) -> None:
    """Write ends when the batch is settled, so that the calls are the same in each run."""


class Rig:
    """One queue of `app`. `deliver` does what Lambda's event source mapping does with a batch."""

    def __init__(self, app: App, remaining_ms: int = 30_000, logger: Logger | None = None) -> None:
        self.now_ms = NOW_MS
        self.app = app
        self.remaining_ms = remaining_ms
        self.store = MemoryTaskStore(self.clock)
        self.broker = MemoryBroker(self.clock, VISIBILITY_SECONDS)
        self.queue = self.broker.create_queue(app.queue)
        self.dead_letters = self.broker.create_queue("dead-letters")
        self.fuse = Fuse()
        self.metrics = Metrics()
        self.slept: list[float] = []
        self.delayed: OneTimeSchedules | None = None
        self.execution: Callable[..., Execution] = Execution
        self.logger = logger or Logger(service="rig")

    def schedule_far(self, scheduler: MemoryScheduler | None = None) -> MemoryScheduler:
        """Let what is due in more than 15 minutes go by EventBridge Scheduler."""
        found = MemoryScheduler(self.broker) if scheduler is None else scheduler
        client: Any = found
        self.delayed = OneTimeSchedules(lambda: client, "group", "role", self.dead_letters.arn)
        return found

    def clock(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
        self.now_ms += round(seconds * 1000)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def send(self, *messages: Message) -> None:
        """Send messages as a stock Celery client does: no records."""
        self.send_bodies(
            *[encode(one).replace('"origin":"taskqueue"', '"origin":"web"') for one in messages]
        )

    def send_bodies(self, *bodies: str) -> None:
        for body in bodies:
            self.broker.send_message(QueueUrl=self.queue.url, MessageBody=body)

    def deliver(self, *, lose_acknowledgement: bool = False, worker: Worker | None = None) -> int:
        """Run one batch, in a fresh worker unless one is given; return how many came back."""
        return self.work(worker or self.worker(), self.receive(), lose_acknowledgement)

    def receive(self, number: int = 10) -> list[Any]:
        """Take up to so many messages from the queue."""
        batch = self.broker.receive_message(QueueUrl=self.queue.url, MaxNumberOfMessages=number)
        messages: list[Any] = batch["Messages"]
        return messages

    def work(self, worker: Worker, received: list[Any], lose_acknowledgement: bool = False) -> int:
        """Let a worker handle these messages; return how many are to come back."""
        response = worker.handle(lambda_event(self.queue, received), self._invocation())
        kept = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for message in received:
            if message["MessageId"] not in kept and not lose_acknowledgement:
                self.broker.delete_message(
                    QueueUrl=self.queue.url, ReceiptHandle=message["ReceiptHandle"]
                )
        return len(kept)

    def deliver_until_empty(self, *, at_most_seconds: float = 24 * 60 * 60) -> None:
        """Let time pass from one delivery to the next, until no message is left."""
        end_ms = self.now_ms + at_most_seconds * 1000
        while times := [message.visible_at_ms for message in self.waiting()]:
            self.now_ms = max(self.now_ms, min(times))
            assert self.now_ms <= end_ms, "messages go round and round"
            self.deliver()

    def worker(self, soon: Soon = _not_sooner, fuse: Wraps | None = None) -> Worker:
        """Return a worker as a new process has it, whose calls go through `fuse`."""
        fuse = fuse or self.fuse
        sqs = fuse.wrap(self.broker)
        store = fuse.wrap(self.store)
        metrics: Any = self.metrics
        return Worker(
            app=self.app,
            store=store,
            sender=Sender(sqs, store, {self.queue.name: self.queue}, self.delayed),
            visibility=Visibility(sqs, self.queue),
            dead_letters=DeadLetterQueue(sqs, self.dead_letters.url),
            logger=self.logger,
            metrics=metrics,
            now_ms=self.clock,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
            soon=soon,
            execution=self.execution,
        )

    def waiting(self) -> list[Any]:
        """Return the messages on the queue, hidden ones included."""
        return list(self.broker.messages(self.queue.url))

    def hidden_seconds(self) -> list[float]:
        """Return when the messages on the queue come back, in seconds from now."""
        return [(message.visible_at_ms - self.now_ms) / 1000 for message in self.waiting()]

    def reasons(self) -> list[str]:
        """Return the reasons of the dead letters."""
        letters = self.broker.messages(self.dead_letters.url)
        return [letter.attributes["reason"]["StringValue"] for letter in letters]

    def record(self, task_id: str) -> TaskRecord:
        record = self.store.get(task_id)
        assert record is not None
        return record

    def statuses(self, task_ids: Iterable[str]) -> list[str]:
        return [self.record(task_id).status for task_id in task_ids]

    def _invocation(self) -> Any:
        return Invocation(self.remaining_ms)
