"""The fan-out on queues and stores in memory, by the real worker, which may die at any call."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest
from botocore.exceptions import ClientError

from social import stores
from social.fanout import NOTIFY_FRIENDS
from social.friends import FriendPage
from social.news import News
from social.tasks import app
from taskqueue.errors import Throttled
from taskqueue.message import Message
from taskqueue.records.record import TaskRecord
from taskqueue.testing.broker import MemoryBroker, StoredMessage, lambda_event
from tests.unit.social.memory_parts import MemoryParts
from tests.unit.taskqueue.rig import Died, Fuse, Invocation, Rig

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TASK_ID = "t1"
MESSAGE = Message(NOTIFY_FRIENDS, TASK_ID, ("80", "n1"), queue=app.queue)
REFUSED = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "SendMessageBatch")

Kind = Literal["dies before", "dies after", "fails", "is overtaken"]


@dataclass(frozen=True)
class Trouble:
    """What happens at one call to a store or a queue: the `call`th, or the first of that name.

    Who is overtaken makes the call after other workers have done all that there is to do.
    """

    call: int | str
    kind: Kind = "dies before"


class World:
    """The friends of one user, the feeds, and a queue with the task that announces a post.

    `page_ms`: how long it takes to read a page of friends.
    """

    def __init__(self, friends: Iterable[str], page_ms: int = 0) -> None:
        self.friends = set(friends)
        self.page_ms = page_ms
        self.deliveries: Counter[str] = Counter()
        self.rig = Rig(app)
        self.rig.store.enqueue(MESSAGE, self.rig.now_ms)
        self.rig.send(MESSAGE)

    @property
    def record(self) -> TaskRecord:
        return self.rig.record(TASK_ID)

    def visible(self) -> list[StoredMessage]:
        """Return the messages that can be received now."""
        return [one for one in self.rig.waiting() if one.visible_at_ms <= self.rig.now_ms]

    def waiting(self) -> list[StoredMessage]:
        """Return the messages that can be received, after waiting for the next if need be."""
        next_ms = min((message.visible_at_ms for message in self.rig.waiting()), default=0)
        self.rig.now_ms = max(self.rig.now_ms, next_ms)
        return self.visible()

    def receive(
        self, first: int = 0, count: int = 1, *troubles: Trouble, twice: bool = False
    ) -> None:
        """Let a new worker process so many of the waiting messages, from number `first` on.

        `twice`: SQS has another copy of each.
        """
        chosen = self.waiting()[first:][:count]
        if twice:
            self.rig.send_bodies(*(message.body for message in chosen))
        received = self._take(chosen)
        fuse = self.rig.fuse = _TroubledFuse(self, troubles)
        worker, invocation = self.rig.worker(), Invocation(self.rig.remaining_ms)
        with self._stores(fuse), contextlib.suppress(Died):
            response = worker.handle(
                lambda_event(self.rig.queue, received), cast("LambdaContext", invocation)
            )
            kept = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
            self._acknowledge([one for one in received if one["MessageId"] not in kept])

    def overtake(self) -> None:
        """Let other workers do, one after the other, all that there is to do."""
        while self.visible():
            self.receive()

    def receive_all(self, choose: Callable[[int], int]) -> None:
        """Deliver what is left, one by one in the order that `choose` picks, without trouble."""
        for _ in range(10_000):
            messages = self.waiting()
            if not messages:
                return
            self.receive(choose(len(messages)))
        raise AssertionError("the queue never runs empty")

    def _take(self, chosen: Sequence[StoredMessage]) -> list[dict[str, Any]]:
        """Receive these messages and no others: SQS keeps no order."""
        others = [message for message in self.visible() if message not in chosen]
        for message in others:
            message.visible_at_ms += 1_000_000
        received = self.rig.broker.receive_message(
            QueueUrl=self.rig.queue.url, MaxNumberOfMessages=len(chosen)
        )
        for message in others:
            message.visible_at_ms -= 1_000_000
        messages: list[dict[str, Any]] = received["Messages"]
        return messages

    def _acknowledge(self, received: Sequence[dict[str, Any]]) -> None:
        for message in received:
            self.rig.broker.delete_message(
                QueueUrl=self.rig.queue.url, ReceiptHandle=message["ReceiptHandle"]
            )

    @contextlib.contextmanager
    def _stores(self, fuse: Fuse) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FEED_TTL_SECONDS", "3600")
            patch.setattr(stores, "news", lambda: fuse.wrap(_News()))
            patch.setattr(stores, "friends", lambda: fuse.wrap(_Friends(self)))
            patch.setattr(stores, "parts", lambda: fuse.wrap(MemoryParts(_News(), self.rig.store)))
            patch.setattr(stores, "feeds", lambda: _Feeds(self, fuse))
            yield


class _TroubledFuse(Fuse):
    def __init__(self, world: World, troubles: Iterable[Trouble]) -> None:
        super().__init__()
        self._world = world
        self._troubles = list(troubles)

    def call(self, name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        number = len(self.calls)
        for trouble in [one for one in self._troubles if one.call in (name, number)]:
            self._troubles.remove(trouble)
            match trouble.kind:
                case "is overtaken":
                    self._world.overtake()
                case "dies before":
                    self.die_before = number
                case "dies after":
                    self.die_after = number
                case "fails":
                    is_queue = isinstance(method.__self__, MemoryBroker)
                    self.errors[name] = [REFUSED if is_queue else Throttled()]
        return super().call(name, method, *args, **kwargs)


class _News:
    def get(self, news_id: str) -> News:
        return News(news_id, "80", "text", (), 0)


@dataclass
class _Friends:
    world: World

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        self.world.rig.now_ms += self.world.page_ms
        rest = [friend for friend in sorted(self.world.friends) if friend > (after or "")]
        more = len(rest) > limit
        return FriendPage(tuple(rest[:limit]), rest[limit - 1] if more else None)


@dataclass
class _Feeds:
    world: World
    fuse: Fuse

    def deliver(
        self, user_ids: Iterable[str], news_id: str, author_id: str, expires_at: int
    ) -> int:
        users = list(user_ids)
        for user in users:
            self.fuse.call("put", self._put, user)
        return len(users)

    def _put(self, user: str) -> None:
        self.world.deliveries[user] += 1
