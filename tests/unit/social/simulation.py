"""The fan-out on stores in memory, with a worker that can die after any of its steps."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aws_lambda_powertools import Logger

from social import notifying
from social.fanout import DELIVER_NEWS, NOTIFY_FRIENDS, NOTIFY_FRIENDS_PAGE, Chunk, FanOut
from social.friends import FriendPage
from taskqueue.context import DEFERRED, Context
from taskqueue.errors import Throttled
from taskqueue.groups.completion import Parts
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.claim import NEVER_MS, AlreadyFinished, Claim, Claimed
from taskqueue.records.meta import result_meta
from taskqueue.records.record import TaskRecord
from taskqueue.records.store import Finish
from taskqueue.sending.sender import Sender
from taskqueue.testing.records import MemoryTaskStore

TASK_ID = "t1"
LEASE_MS = 60_000


class WorkerDied(BaseException):
    """Nothing after this step was done, and nobody was told."""


@dataclass
class Fuse:
    """Raises `error`, once, in place of the step after so many steps; None: never."""

    steps: int | None = None
    error: type[BaseException] = WorkerDied

    def step(self) -> None:
        if self.steps == 0:
            self.steps = None
            raise self.error
        if self.steps is not None:
            self.steps -= 1


@dataclass
class World:
    """All that is kept between messages, and the messages."""

    friends: tuple[str, ...]
    now_ms: int = 1_000_000
    tasks: MemoryTaskStore = field(default_factory=MemoryTaskStore)
    queue: list[Message] = field(default_factory=list)
    deliveries: Counter[str] = field(default_factory=Counter)
    fuse: Fuse = field(default_factory=Fuse)

    def start(self) -> None:
        message = Message(NOTIFY_FRIENDS, TASK_ID, ("80", "n1"), queue="notifications")
        self.tasks.enqueue(message, self.now_ms)
        self.queue.append(message)

    @property
    def record(self) -> TaskRecord:
        record = self.tasks.get(TASK_ID)
        assert record is not None
        return record

    def receive(self, index: int, fuse: Fuse, *, again: bool) -> None:
        """Deliver one message of the queue; it leaves the queue when it was handled.

        `again`: SQS delivers it once more.
        """
        self.fuse = fuse
        message = self.queue.pop(index)
        if again:
            self.queue.append(message)
        try:
            is_handled = self._handle(message)
        except (WorkerDied, Throttled):
            is_handled = False
        self.fuse = Fuse()
        if not is_handled:
            self.queue.append(message)
            self.now_ms += LEASE_MS + 1

    def _handle(self, message: Message) -> bool:
        if message.task != NOTIFY_FRIENDS:
            self._run(message, attempt=0)
            return True
        [outcome] = self.tasks.claim([Claim(message, self.now_ms + LEASE_MS)], self.now_ms)
        match outcome:
            case AlreadyFinished():
                return True
            case Claimed(attempt):
                return self._take(message, attempt)
            case _:
                return False

    def _take(self, message: Message, attempt: int) -> bool:
        try:
            value = self._run(message, attempt)
        except Throttled:
            self._finish(message, attempt, states.RETRY, None)
            return False
        return value is DEFERRED or self._finish(message, attempt, states.SUCCESS, value)

    def _finish(self, message: Message, attempt: int, status: str, value: Any) -> bool:
        self.fuse.step()
        meta = result_meta(message, status, result=value, at_ms=self.now_ms)
        claimable_at_ms = NEVER_MS if status in states.FINISHED else self.now_ms + LEASE_MS
        end = Finish(TASK_ID, attempt, status, meta, claimable_at_ms, 0, self.now_ms)
        return self.tasks.finish([end])[0]

    def _run(self, message: Message, attempt: int) -> Any:
        run = Context(
            message=message,
            attempt=attempt,
            retries=0,
            store=_DyingStore(self),
            sender=cast("Sender", _DyingSender(self)),
            log=Logger(service="simulation"),
            now_ms=lambda: self.now_ms,
        )
        friends, feeds = _Friends(self), _Feeds(self)
        if message.task == NOTIFY_FRIENDS:
            fan_out = FanOut(TASK_ID, "notifications", "80", "n1", expires_at=2_000_000)
            return notifying.notify(run, fan_out, friends, feeds)
        arguments = dict(message.kwargs)
        fan_out = FanOut(**arguments["fan_out"])
        if message.task == NOTIFY_FRIENDS_PAGE:
            return notifying.notify_page(
                run, fan_out, arguments["page"], arguments["after"], friends
            )
        assert message.task == DELIVER_NEWS
        chunk = Chunk(**arguments["chunk"])
        return notifying.deliver_chunk(run, fan_out, chunk, arguments["friend_ids"], feeds)


@dataclass
class _Friends:
    world: World

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        self.world.fuse.step()
        rest = [friend for friend in sorted(self.world.friends) if friend > (after or "")]
        more = len(rest) > limit
        return FriendPage(tuple(rest[:limit]), rest[limit - 1] if more else None)


@dataclass
class _Feeds:
    world: World

    def deliver(
        self, user_ids: Iterable[str], news_id: str, author_id: str, expires_at: int
    ) -> int:
        users = list(user_ids)
        for user in users:
            self.world.fuse.step()
            self.world.deliveries[user] += 1
        return len(users)


@dataclass
class _DyingSender:
    world: World

    def send_unrecorded(self, messages: Sequence[Message], now_ms: int) -> None:
        for message in messages:
            self.world.fuse.step()
            self.world.queue.append(message)


class _DyingStore(MemoryTaskStore):
    """The world's store, which takes a step for every request."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _step(self) -> MemoryTaskStore:
        self._world.fuse.step()
        return self._world.tasks

    def get(self, task_id: str) -> TaskRecord | None:
        return self._step().get(task_id)

    def plan_parts(self, task_id: str, planned_key: str) -> Parts:
        return self._step().plan_parts(task_id, planned_key)

    def finish_part(self, task_id: str, done_key: str) -> Parts:
        return self._step().finish_part(task_id, done_key)

    def complete(self, message: Message, result: Any, now_ms: int) -> bool:
        return self._step().complete(message, result, now_ms)


def run_all(world: World, choose: Callable[[int], int]) -> None:
    """Deliver what is left, one by one in the order that `choose` picks, with nothing failing."""
    for _ in range(10_000):
        if not world.queue:
            return
        world.receive(choose(len(world.queue)), Fuse(), again=False)
    raise AssertionError("the queue never runs empty")
