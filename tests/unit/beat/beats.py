"""A beat in memory: the real tick and sender, whose calls may fail, or be their process's last."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from taskqueue.app import App
from taskqueue.aws.unprocessed import Patience
from taskqueue.beat.plan import task_id
from taskqueue.beat.row import BrokenRow, Row
from taskqueue.beat.schedule import Schedule
from taskqueue.beat.tick import Tick, tick
from taskqueue.beat.timing import Interval
from taskqueue.message import Message, decode
from taskqueue.queue import Queue
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker
from taskqueue.testing.records import MemoryTaskStore
from tests.unit.beat.memory_rows import MemoryScheduleRows
from tests.unit.taskqueue.rig import Fuse

NOW_MS = 1_790_000_000_000
MINUTE_MS = 60_000
# As long as a tick may take in these tests, if nothing else is said.
LONG_MS = 30_000
EVERY_100 = Schedule("books", "select_populate_book", Interval(100))
app = App("books", queue="rankings")


@app.task(expires=30)
def select_populate_book() -> None: ...


@app.task(queue="reports")
def report(*parts: Any) -> None: ...


@app.task(queue="reports", idempotent=True)
def harmless() -> None: ...


class Broker(MemoryBroker):
    """Refuses what is sent to the queues in `down`, and counts the requests that send."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__(now_ms)
        self.down: set[str] = set()
        self.requests: Counter[str] = Counter()

    def remove_queue(self, name: str) -> None:
        """Let it be as if somebody had deleted the queue."""
        del self._queues[f"memory://{name}"]

    def has(self, queue: Queue) -> bool:
        """Whether there is such a queue."""
        return queue.url in self._queues

    def send_message(self, **request: Any) -> dict[str, Any]:
        self._check(request["QueueUrl"])
        return super().send_message(**request)

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self._check(request["QueueUrl"])
        return super().send_message_batch(**request)

    def _check(self, url: str) -> None:
        name = url.removeprefix("memory://")
        self.requests[name] += 1
        if name in self.down:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SendMessage")


@dataclass
class Beat:
    """A beat, its tables and its queues; `at` runs a tick, which takes `request_ms` a request."""

    declared: Sequence[Schedule] = (EVERY_100,)
    rows: MemoryScheduleRows = field(default_factory=MemoryScheduleRows)
    request_ms: int = 0

    def __post_init__(self) -> None:
        self.now_ms = NOW_MS
        self.fuse = Fuse()
        self.records = MemoryTaskStore()
        self.broker = Broker(lambda: self.now_ms)
        self.queues = {name: self.broker.create_queue(name) for name in ("rankings", "reports")}

    def at(self, now_ms: int, *, long_ms: int = LONG_MS, rows: Any = None) -> Tick:
        """Tick in a process of its own."""
        self.now_ms = now_ms
        self.fuse.mend()
        return self.tick(now_ms + long_ms, rows)

    def tick(self, end_ms: int, rows: Any = None) -> Tick:
        """Tick now, until then, on these rows or on its own."""
        sender = Sender(
            self.fuse.wrap(self.broker),
            self.fuse.wrap(self.records),
            self.queues,
            patience=Patience(_no_sleep),
        )
        table = self.fuse.wrap(self.rows if rows is None else rows)
        return tick(table, sender, app.tasks, self.declared, self._clock, end_ms)

    def messages(self) -> list[Message]:
        """Return all messages that were sent."""
        urls = [queue.url for queue in self.queues.values() if self.broker.has(queue)]
        return [decode(one.body) for url in urls for one in self.broker.messages(url)]

    def all_slots(self) -> dict[str, list[int]]:
        """Return the slots that were sent of each schedule, each once."""
        found: dict[str, set[int]] = {}
        for one in self.messages():
            name, slot_ms = one.id.partition("@")[0], one.eta_ms or 0
            assert one.id == task_id(name, slot_ms)
            found.setdefault(name, set()).add(slot_ms)
        return {name: sorted(slots) for name, slots in found.items()}

    def slots(self, name: str = "books") -> list[int]:
        """Return the slots that were sent of one schedule."""
        return self.all_slots().get(name, [])

    def _clock(self) -> int:
        self.now_ms += self.request_ms
        return self.now_ms


def _no_sleep(_seconds: float) -> None: ...


class Stale(MemoryScheduleRows):
    """Reads what the rows were, writes to what they are."""

    def __init__(self, now: MemoryScheduleRows, before: MemoryScheduleRows) -> None:
        super().__init__(now.rows)
        self._before = before

    def list(self) -> "list[Row | BrokenRow]":
        return self._before.list()
