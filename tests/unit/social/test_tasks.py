"""The tasks as the worker runs them, on queues and records in memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from social import stores
from social.friends import FriendPage
from social.ids import InvalidId
from social.news import News
from social.notifying import NotTheAuthor
from social.tasks import app, deliver_news, notify_friends, notify_friends_page
from taskqueue.errors import StoreError, Throttled
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.testing import InMemory

TTL_SECONDS = 3_600
NOW_MS = 1_763_827_200_000


@dataclass
class Memory:
    """Friends and feeds; `errors` are raised, one by one, instead of delivering."""

    friends: list[str] = field(default_factory=list)
    delivered: Counter[str] = field(default_factory=Counter)
    news: set[tuple[Any, ...]] = field(default_factory=set)
    errors: list[Exception] = field(default_factory=list)
    posted: dict[str, str] = field(default_factory=lambda: {"n1": "80"})
    deleted_after: int | None = None

    def get(self, news_id: str) -> News | None:
        """Return news of `posted`, by their authors, unless so many deliveries deleted them."""
        if self.deleted_after is not None and self.delivered.total() >= self.deleted_after:
            return None
        author = self.posted.get(news_id)
        return News(news_id, author, "text", (), NOW_MS) if author else None

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        rest = [friend for friend in self.friends if friend > (after or "")]
        return FriendPage(tuple(rest[:limit]), rest[limit - 1] if len(rest) > limit else None)

    def deliver(
        self, user_ids: Iterable[str], news_id: str, author_id: str, expires_at: int
    ) -> int:
        if self.errors:
            raise self.errors.pop()
        users = list(user_ids)
        self.delivered.update(users)
        self.news.add((news_id, author_id, expires_at))
        return len(users)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(stores, "friends", lambda: memory)
    monkeypatch.setattr(stores, "feeds", lambda: memory)
    monkeypatch.setattr(stores, "news", lambda: memory)
    monkeypatch.setenv("FEED_TTL_SECONDS", str(TTL_SECONDS))
    return memory


@pytest.fixture
def run() -> Iterator[InMemory]:
    with InMemory(app, NOW_MS) as run:
        yield run


def ids(count: int) -> list[str]:
    return [f"u{number:05}" for number in range(count)]


def test_the_tasks_have_the_names_that_clients_and_parts_use() -> None:
    assert set(app.tasks) == {"notify_friends", "notify_friends_page", "deliver_news"}
    assert {task.queue for task in app.tasks.values()} == {"notifications"}
    assert not notify_friends.options.idempotent
    assert deliver_news.options.idempotent
    assert notify_friends_page.options.idempotent
    assert [task.name for task in app.tasks.values() if not task.options.internal] == [
        "notify_friends"
    ]


@pytest.mark.parametrize("count", [0, 3, 1_000, 1_045, 12_345])
def test_the_result_is_how_many_friends_have_the_news(
    memory: Memory, run: InMemory, count: int
) -> None:
    memory.friends = ids(count)

    result = notify_friends.delay("80", "n1")
    run.work()

    assert result.get(timeout=0) == count
    assert memory.delivered == Counter(ids(count))


def test_a_delivery_says_what_by_whom_and_until_when(memory: Memory, run: InMemory) -> None:
    memory.friends = ids(1_045)

    notify_friends.delay(user_id="80", news_id="n1")
    run.work()

    assert memory.news == {("n1", "80", NOW_MS // 1_000 + TTL_SECONDS)}


@pytest.mark.parametrize("count", [3, 1_045])
def test_throttling_is_waited_out(memory: Memory, run: InMemory, count: int) -> None:
    memory.friends = ids(count)
    memory.errors = [Throttled() for _ in range(5)]

    result = notify_friends.delay("80", "n1")
    run.work(seconds=3_600)

    assert result.get(timeout=0) == count
    assert memory.delivered == Counter(ids(count))
    assert run.dead_letters() == []


@pytest.mark.parametrize(("count", "task"), [(3, "notify_friends"), (1_045, "deliver_news")])
def test_what_never_succeeds_is_a_dead_letter(
    memory: Memory, run: InMemory, count: int, task: str
) -> None:
    memory.friends = ids(count)
    memory.errors = [StoreError() for _ in range(100)]

    notify_friends.delay("80", "n1")
    run.work(seconds=24 * 3_600)

    letters = run.dead_letters()
    assert {letter.task for letter in letters} == {task}
    assert all("failed after 10 retries: StoreError" in letter.reason for letter in letters)


def test_ids_that_are_none_fail_the_task_at_once(memory: Memory, run: InMemory) -> None:
    result = notify_friends.delay("80", "../../etc")
    run.work()

    with pytest.raises(InvalidId, match="news_id must be"):
        result.get(timeout=0)


@pytest.mark.parametrize("count", [3, 1_045])
def test_news_that_is_not_there_goes_to_nobody(memory: Memory, run: InMemory, count: int) -> None:
    memory.friends = ids(count)

    result = notify_friends.delay("80", "deleted")
    run.work()

    assert result.get(timeout=0) == 0
    assert memory.delivered == Counter()


def test_another_user_s_news_is_not_announced(memory: Memory, run: InMemory) -> None:
    memory.friends = ids(3)
    memory.posted["n2"] = "81"

    result = notify_friends.delay("80", "n2")
    run.work()

    with pytest.raises(NotTheAuthor):
        result.get(timeout=0)
    assert memory.delivered == Counter()


@pytest.mark.parametrize("deleted_after", [0, 1_000, 10_000, 13_000])
def test_a_fan_out_ends_when_its_news_is_deleted(
    memory: Memory, run: InMemory, deleted_after: int
) -> None:
    memory.friends = ids(25_000)
    result = notify_friends.delay("80", "n1")

    memory.deleted_after = deleted_after
    run.work()

    assert result.get(timeout=0) == memory.delivered.total() == deleted_after
    assert run.dead_letters() == []


FAN_OUT = {
    "task_id": "t1",
    "queue": "notifications",
    "author_id": "80",
    "news_id": "n1",
    "expires_at": NOW_MS // 1_000,
}
CHUNK = {"page": 0, "plan_id": "0123456789ab", "index": 0}


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({}, None),
        ({"fan_out": {}}, "fan_out is not what a fan-out plans"),
        ({"fan_out": [1]}, "fan_out is not what a fan-out plans"),
        ({"fan_out": {**FAN_OUT, "more": 1}}, "fan_out is not what a fan-out plans"),
        ({"fan_out": {**FAN_OUT, "task_id": "x" * 256}}, "task_id is not what"),
        ({"fan_out": {**FAN_OUT, "queue": "views"}}, "queue is not what"),
        ({"fan_out": {**FAN_OUT, "author_id": "81"}}, "The news is another user's."),
        ({"fan_out": {**FAN_OUT, "news_id": "../n"}}, "news_id must be"),
        ({"fan_out": {**FAN_OUT, "expires_at": "soon"}}, "expires_at is not what"),
        ({"fan_out": {**FAN_OUT, "expires_at": 10**400}}, "expires_at is not what"),
        ({"chunk": {**CHUNK, "page": -1}}, "page is not what"),
        ({"chunk": {**CHUNK, "plan_id": "a:b"}}, "plan_id is not what"),
        ({"chunk": {**CHUNK, "index": True}}, "index is not what"),
        ({"friend_ids": "81"}, "friend_ids is not what"),
        ({"friend_ids": [81]}, "friend_ids must be"),
        ({"friend_ids": ids(1_001)}, "friend_ids is not what"),
    ],
)
def test_a_part_checks_what_it_is_given(
    memory: Memory, run: InMemory, part: dict[str, Any], reason: str | None
) -> None:
    deliver_news.delay(**{"fan_out": FAN_OUT, "chunk": CHUNK, "friend_ids": ["81"], **part})
    run.work()

    letters = [letter.reason for letter in run.dead_letters()]
    if reason is None:
        assert (letters, memory.delivered) == ([], {"81": 1})
    else:
        assert [reason in letter for letter in letters] == [True]
        assert memory.delivered == Counter()


def test_a_page_checks_what_it_is_given(memory: Memory, run: InMemory) -> None:
    notify_friends_page.delay(FAN_OUT, 0, after="../..")
    run.work()

    assert ["after must be" in letter.reason for letter in run.dead_letters()] == [True]


def test_a_page_of_another_task_writes_nothing(memory: Memory, run: InMemory) -> None:
    memory.friends = ids(25_000)
    run.store.enqueue(Message("select_populate_book", "t1"), NOW_MS)

    notify_friends_page.delay(FAN_OUT, 1, "u00009")
    run.work()

    record = run.store.get("t1")
    assert record is not None
    assert record.parts is None
    assert memory.delivered == Counter()


def test_no_page_follows_when_the_task_is_revoked(memory: Memory, run: InMemory) -> None:
    memory.friends = ids(25_000)
    run.store.enqueue(Message("notify_friends", "t1", ("80", "n1")), NOW_MS)
    run.store.revoke("t1", NOW_MS)

    notify_friends_page.delay(FAN_OUT, 1, "u00009")
    run.work()

    record = run.store.get("t1")
    assert record is not None
    assert record.status == states.REVOKED
    assert memory.delivered == Counter()
