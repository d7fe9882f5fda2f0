"""The tasks as the worker runs them, on queues and records in memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from social import stores
from social.friends import FriendPage
from social.ids import InvalidId
from social.tasks import app, deliver_news, notify_friends, notify_friends_page
from taskqueue.errors import StoreError, Throttled
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
