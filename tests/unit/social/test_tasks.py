"""The tasks as the worker runs them, on queues and records in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from social import stores
from social.friends import FriendPage
from social.ids import InvalidId
from social.news import News
from social.notifying import NotTheAuthor
from social.tasks import app, deliver_news, notify_friends
from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import DeadLetter, ReadLetter
from taskqueue.errors import PartsFailed, StoreError, Throttled
from taskqueue.groups.part import Part
from taskqueue.message import Message, decode, sent_again
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.testing import InMemory
from tests.unit.social.memory_parts import MemoryParts

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
    before_delivery: Callable[[], None] = lambda: None

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
        self.before_delivery()
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
def run(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemory]:
    with InMemory(app, NOW_MS) as run:
        monkeypatch.setattr(stores, "parts", lambda: MemoryParts(memory, run.store))
        yield run


def ids(count: int) -> list[str]:
    return [f"u{number:05}" for number in range(count)]


def test_only_the_fan_out_is_claimed_and_started_by_callers() -> None:
    assert not notify_friends.options.idempotent
    assert deliver_news.options.idempotent
    assert deliver_news.options.internal
    assert not notify_friends.options.internal


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
PART = Part("t1", 0, 1)


def part_message(arguments: Mapping[str, Any] = {}, *, part: Part | None = PART) -> Message:
    """Return the message of a part, as anyone may send it who may send to the queue."""
    kwargs = {"fan_out": FAN_OUT, "friend_ids": ["81"], **arguments}
    return Message("deliver_news", "p1", kwargs=kwargs, queue=app.queue, part=part)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, None),
        ({"fan_out": {}}, "fan_out is not what a fan-out plans"),
        ({"fan_out": [1]}, "fan_out is not what a fan-out plans"),
        ({"fan_out": {**FAN_OUT, "more": 1}}, "fan_out is not what a fan-out plans"),
        ({"fan_out": {**FAN_OUT, "task_id": "t2"}}, "task_id is not what"),
        ({"fan_out": {**FAN_OUT, "queue": "views"}}, "queue is not what"),
        ({"fan_out": {**FAN_OUT, "author_id": "81"}}, "The news is another user's."),
        ({"fan_out": {**FAN_OUT, "news_id": "../n"}}, "news_id must be"),
        ({"fan_out": {**FAN_OUT, "expires_at": "soon"}}, "expires_at is not what"),
        ({"fan_out": {**FAN_OUT, "expires_at": 10**400}}, "expires_at is not what"),
        ({"friend_ids": "81"}, "friend_ids is not what"),
        ({"friend_ids": [81]}, "friend_ids must be"),
        ({"friend_ids": ids(10_001)}, "friend_ids is not what"),
    ],
)
def test_a_part_checks_what_it_is_given(
    memory: Memory, run: InMemory, arguments: dict[str, Any], reason: str | None
) -> None:
    run.send(part_message(arguments))
    run.work()

    letters = [letter.reason for letter in run.dead_letters()]
    if reason is None:
        assert (letters, memory.delivered) == ([], {"81": 1})
    else:
        assert [reason in letter for letter in letters] == [True]
        assert memory.delivered == Counter()


def test_a_part_of_no_group_delivers_nothing(memory: Memory, run: InMemory) -> None:
    run.send(part_message(part=None))
    run.work()

    assert ["part is not what" in letter.reason for letter in run.dead_letters()] == [True]
    assert memory.delivered == Counter()


def test_a_part_of_another_task_writes_nothing(memory: Memory, run: InMemory) -> None:
    run.store.enqueue(Message("select_populate_book", "t1"), NOW_MS)

    run.send(part_message())
    run.work()

    assert len(run.dead_letters()) == 1
    assert memory.delivered == Counter()


class _NoLetters:
    def put(self, letter: DeadLetter) -> None:
        """Keep none."""


@pytest.mark.parametrize("delivered", [0, 1_000, 10_000, 13_000])
def test_a_fan_out_ends_when_it_is_revoked(memory: Memory, run: InMemory, delivered: int) -> None:
    memory.friends = ids(25_000)
    result = notify_friends.delay("80", "n1")

    def revoke() -> None:
        if memory.delivered.total() == delivered:
            run.store.revoke(result.id, run.now_ms())

    memory.before_delivery = revoke
    run.work()

    # The chunk that was under way is delivered.
    assert memory.delivered.total() == delivered + 1_000
    assert result.state == states.REVOKED
    assert run.dead_letters() == []


def test_parts_that_fail_fail_the_fan_out_until_they_are_redriven(
    memory: Memory, run: InMemory
) -> None:
    memory.friends = ids(3_000)
    memory.errors = [StoreError() for _ in range(33)]
    result = notify_friends.delay("80", "n1")
    run.work(seconds=24 * 3_600)
    letters = run.dead_letters()
    assert result.state == states.PROGRESS

    for letter in letters:
        kept = DeadLetter(letter.message_id, letter.queue, letter.reason, letter.body, NOW_MS)
        read = ReadLetter(kept, decode(letter.body), ErrorInfo.of(StoreError("down")))
        bury(read, _NoLetters(), run.store, run.now_ms(), run.sender)

    with pytest.raises(PartsFailed, match="3 of its parts failed; the first: StoreError: down"):
        result.get(timeout=0)
    for letter in letters:
        again = decode(sent_again(letter.body, turn=99, after=None, retries=0, eta=None))
        run.store.reset(again, run.now_ms())
        run.send(again)
    run.work()
    assert result.get(timeout=0) == 3_000
