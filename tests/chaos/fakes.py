"""A million deliveries in fakes: the real worker, with queues, records and feeds in memory.

Messages are doubled, writes throttled, and workers killed in the middle of a call, by a seed that
replays all of it.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from social import stores
from social.fanout import NOTIFY_FRIENDS
from social.feeds import FeedStore
from social.friends import FriendPage
from social.news import News
from social.parallel_puts import ParallelPuts
from social.tasks import app
from taskqueue.aws.unprocessed import Patience
from taskqueue.errors import Throttled
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.testing.in_memory import BATCH_SIZE
from taskqueue.worker.worker import Worker
from tests.benchmarks.report import Check, Section
from tests.unit.social.memory_parts import MemoryParts
from tests.unit.taskqueue.rig import Died, Fuse, Rig

# How many posts by users with so many friends: a million deliveries.
POSTS = {10: 30_000, 50: 4_000, 300: 500, 1_000: 100, 5_000: 50}
DELIVERIES = sum(friends * number for friends, number in POSTS.items())
# As many messages wait at once.
WAVE = 300
DUPLICATES = 0.1
THROTTLED = 0.05
MESSAGES_PER_KILL = 1_000
# A worker dies at one of so many calls that follow.
CALLS_BEFORE_DEATH = 40
FRIENDS = [f"friend-{number:05d}" for number in range(max(POSTS))]
THROTTLING = ClientError(
    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": ""}}, "BatchWriteItem"
)


@dataclass
class FeedsTable:
    """The feeds in memory, behind the one request that the fan-out makes of DynamoDB."""

    draw: random.Random
    fuse: Fuse
    readers: dict[str, set[str]] = field(default_factory=dict)
    writes: int = 0
    throttled: int = 0
    meta: Any = field(default_factory=lambda: SimpleNamespace(events=mock.Mock()))

    def batch_write_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Write the items; of one request in twenty some are left, or all are refused."""
        response: dict[str, Any] = self.fuse.call("batch_write_item", self._write, RequestItems)
        return response

    def _write(self, request_items: Mapping[str, Any]) -> dict[str, Any]:
        ((table, writes),) = request_items.items()
        written = len(writes)
        if self.draw.random() < THROTTLED:
            self.throttled += 1
            written = self.draw.randrange(len(writes))
            if not written:
                raise THROTTLING
        for write in writes[:written]:
            item = write["PutRequest"]["Item"]
            self.readers.setdefault(item["news_id"]["S"], set()).add(item["user_id"]["S"])
        self.writes += written
        left = writes[written:]
        return {"UnprocessedItems": {table: left} if left else {}}


class Friends:
    """Everybody's friends: the first of all, as many as the user's name says."""

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        """Return the friends after the one named."""
        count = int(user_id)
        start = 0 if after is None else FRIENDS.index(after) + 1
        end = min(start + limit, count)
        return FriendPage(tuple(FRIENDS[start:end]), FRIENDS[end - 1] if end < count else None)


class AllNews:
    """News of any id; its author is the number before the dash."""

    def get(self, news_id: str) -> News:
        """Return the news."""
        return News(news_id, news_id.partition("-")[0], "It blows.", (), 0)


class World:
    """One queue and its workers; `seed` draws what happens to them."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        # The worker's log of a million deliveries is nobody's to read.
        self._rig = Rig(app, logger=Logger(service="chaos", level="CRITICAL"))
        self._worker: Worker | None = None
        self.feeds = FeedsTable(self._draw, self._rig.fuse)
        self.messages = self.doubled = self.kills = 0
        self._double_what_is_sent()

    def post(self, task_id: str, friends: int) -> None:
        """Send the task that announces news of a user with so many friends."""
        news_id = f"{friends}-{task_id}"
        message = Message(NOTIFY_FRIENDS, task_id, (str(friends), news_id), queue=app.queue)
        self._rig.store.enqueue(message, self._rig.now_ms)
        self._rig.send(message)

    def work(self) -> None:
        """Deliver until no message is left."""
        while times := [message.visible_at_ms for message in self._rig.waiting()]:
            self._rig.now_ms = max(self._rig.now_ms, min(times))
            self._deliver()

    def outcome(self, task_id: str) -> tuple[str, Any]:
        """The state and the result of a task."""
        record = self._rig.record(task_id)
        return record.status, record.result

    def _deliver(self) -> None:
        """Run one batch, in which a call may be throttled, or be the worker's last."""
        before = self.messages // MESSAGES_PER_KILL
        now_ms = self._rig.now_ms
        visible = sum(message.visible_at_ms <= now_ms for message in self._rig.waiting())
        self.messages += min(BATCH_SIZE, visible)
        fuse = self._rig.fuse
        if self.messages // MESSAGES_PER_KILL > before:
            last = len(fuse.calls) + self._draw.randrange(CALLS_BEFORE_DEATH)
            setattr(fuse, self._draw.choice(("die_before", "die_after")), last)
        for name in ("claim", "finish"):
            fuse.errors[name] = [Throttled()] if self._draw.random() < THROTTLED else []
        self._worker = self._worker or self._rig.worker()
        try:
            self._rig.deliver(worker=self._worker)
        except Died:
            self.kills += 1
            self._worker = None
            fuse.mend()

    def _double_what_is_sent(self) -> None:
        broker = self._rig.broker
        send_one = broker._put

        def send(url: str, entry: Mapping[str, Any]) -> str:
            if self._draw.random() < DUPLICATES:
                self.doubled += 1
                send_one(url, entry)
            return send_one(url, entry)

        broker._put = send  # type: ignore[method-assign]

    @contextlib.contextmanager
    def stores(self) -> Iterator[None]:
        """While the tasks find their stores here."""
        parts = MemoryParts(AllNews(), self._rig.fuse.wrap(self._rig.store))
        feeds = FeedStore(cast("Any", self.feeds), "feeds")
        # Time is the rig's: to wait for it in earnest would be minutes.
        feeds._puts = ParallelPuts(cast("Any", self.feeds), Patience(sleep=lambda _: None))
        with (
            mock.patch.dict("os.environ", {"FEED_TTL_SECONDS": "3600"}),
            mock.patch.object(stores, "news", AllNews),
            mock.patch.object(stores, "friends", Friends),
            mock.patch.object(stores, "parts", return_value=parts),
            mock.patch.object(stores, "feeds", return_value=feeds),
        ):
            yield


def measure(seed: int) -> Section:
    """Deliver a million times, and count."""
    started = time.monotonic()
    world, posts = World(seed), _posts(seed)
    with world.stores():
        for start in range(0, len(posts), WAVE):
            for task_id, friends in posts[start : start + WAVE]:
                world.post(task_id, friends)
            world.work()
    taken = time.monotonic() - started
    wrong = sum(not _is_right(world, *post) for post in posts)
    delivered = sum(map(len, world.feeds.readers.values()))
    return Section(
        "A million deliveries in fakes",
        [
            Check("deliveries", delivered, DELIVERIES, "feeds", "exactly"),
            Check("posts with a wrong feed, count or state", wrong, 0, "posts", "exactly"),
            Check("taken", taken, 300.0, "s"),
        ],
        {
            "posts": f"{len(posts):,}",
            "messages received": f"{world.messages:,}",
            "messages doubled": f"{world.doubled:,}",
            "requests throttled": f"{world.feeds.throttled:,}",
            "workers killed": f"{world.kills:,}",
            "writes of feeds": f"{world.feeds.writes:,}",
        },
        f"The real worker, the fan-out and its writes of feeds, on queues, records and a table in "
        f"memory, whose clock leaps over every wait. {DUPLICATES:.0%} of all messages are sent "
        f"twice; of {THROTTLED:.0%} of the requests for feeds only a part is written, and as many "
        f"claims and ends are throttled; a worker dies before or after a call, once in "
        f"{MESSAGES_PER_KILL:,} messages received.",
    )


def _posts(seed: int) -> Sequence[tuple[str, int]]:
    """The id and the number of friends of each post."""
    posts = [friends for friends, number in POSTS.items() for _ in range(number)]
    random.Random(seed).shuffle(posts)
    return [(f"t{number}", friends) for number, friends in enumerate(posts)]


def _is_right(world: World, task_id: str, friends: int) -> bool:
    readers = world.feeds.readers.get(f"{friends}-{task_id}", set())
    is_delivered = readers == set(FRIENDS[:friends])
    return is_delivered and world.outcome(task_id) == (states.SUCCESS, friends)
