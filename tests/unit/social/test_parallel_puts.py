"""What DynamoDB leaves unprocessed is asked again, and nothing else is."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from social.parallel_puts import IN_FLIGHT, ParallelPuts
from taskqueue.aws.batch_items import MAX_PUTS, Item
from taskqueue.aws.unprocessed import MAX_TRIES, Patience
from taskqueue.errors import StoreError, Throttled

TABLE = "feeds"

Requests = list[Any]


class _Events:
    def register(self, *args: Any, **kwargs: Any) -> None:
        """Take a handler and never call it."""


class _Meta:
    events = _Events()


@dataclass
class Database:
    """Stands for a DynamoDB client. `leave` says which entries of a request stay unprocessed."""

    leave: Callable[[Requests], Requests] = lambda entries: []
    error: Exception | None = None
    written: Counter[str] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    meta: _Meta = field(default_factory=_Meta)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def batch_write_item(self, RequestItems: dict[str, Requests]) -> dict[str, Any]:  # noqa: N803
        with self.lock:
            if self.error:
                raise self.error
            [(table, entries)] = RequestItems.items()
            left = self.leave(entries)
            self.sizes.append(len(entries))
            self.written.update(_user(entry) for entry in entries if entry not in left)
        return {"UnprocessedItems": {table: left} if left else {}}


def _user(entry: dict[str, Any]) -> str:
    return str(entry["PutRequest"]["Item"]["user_id"]["S"])


def puts_of(database: Database) -> ParallelPuts:
    return ParallelPuts(
        cast("Any", database), Patience(database.slept.append, uniform=lambda low, high: high)
    )


def items(count: int) -> list[Item]:
    return [{"user_id": {"S": f"u{number}"}} for number in range(count)]


def first_times(times: int) -> Callable[[Requests], Requests]:
    """Leave the last entry of every request unprocessed, the first so many times."""
    left = iter(range(times))
    return lambda entries: entries[-1:] if next(left, None) is not None else []


def throttling() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "BatchWriteItem")


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 0), (1, 1), (25, 1), (26, 2), (1_000, 40), (1_045, 42)]
)
def test_items_are_put_25_a_request(count: int, requests: int) -> None:
    database = Database()

    puts_of(database).put(TABLE, items(count))

    assert len(database.sizes) == requests
    assert max(database.sizes, default=0) <= MAX_PUTS
    assert database.written == Counter(f"u{number}" for number in range(count))
    assert database.slept == []


def test_few_items_need_no_thread() -> None:
    threads: set[str] = set()

    def note(entries: Requests) -> Requests:
        threads.add(threading.current_thread().name)
        return []

    puts_of(Database(leave=note)).put(TABLE, items(MAX_PUTS))
    assert threads == {threading.current_thread().name}

    threads.clear()
    puts_of(Database(leave=note)).put(TABLE, items(MAX_PUTS * 40))
    assert 1 <= len(threads) <= IN_FLIGHT


def test_only_unprocessed_items_are_put_again_after_a_growing_wait() -> None:
    database = Database(leave=first_times(3))

    puts_of(database).put(TABLE, items(10))

    assert database.sizes == [10, 1, 1, 1]
    assert database.slept == [0.05, 0.1, 0.2]
    assert database.written == Counter(f"u{number}" for number in range(10))


def test_items_that_stay_unprocessed_are_throttled_in_the_end() -> None:
    database = Database(leave=lambda entries: entries[-1:])

    with pytest.raises(Throttled):
        puts_of(database).put(TABLE, items(10))

    assert database.sizes == [10, *[1] * (MAX_TRIES - 1)]
    assert len(database.slept) == MAX_TRIES - 1
    assert sum(database.slept) <= 2


def test_one_item_of_many_that_stays_unprocessed_is_told() -> None:
    database = Database(leave=lambda entries: [e for e in entries if _user(e) == "u7"])

    with pytest.raises(Throttled):
        puts_of(database).put(TABLE, items(200))

    assert "u7" not in database.written
    assert {f"u{number}" for number in range(MAX_PUTS)} - {"u7"} <= set(database.written)


def test_after_an_error_no_lane_begins_another_request() -> None:
    requests: list[int] = []
    failed = threading.Event()

    def fail_once_all_lanes_run(entries: Requests) -> Requests:
        requests.append(len(entries))
        if len(requests) == IN_FLIGHT:
            failed.set()
            raise throttling()
        return []

    database = Database(leave=fail_once_all_lanes_run)

    with pytest.raises(Throttled):
        puts_of(database).put(TABLE, items(MAX_PUTS * 2_000))

    assert failed.is_set()
    assert len(requests) < 1_000


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (throttling(), Throttled),
        (ClientError({"Error": {"Code": "InternalServerError"}}, "BatchWriteItem"), StoreError),
        (ReadTimeoutError(endpoint_url="http://localhost"), StoreError),
    ],
)
def test_errors_of_the_client_are_the_stores(error: Exception, expected: type[StoreError]) -> None:
    with pytest.raises(expected) as caught:
        puts_of(Database(error=error)).put(TABLE, items(60))

    assert type(caught.value) is expected


@settings(max_examples=60)
@given(count=st.integers(0, 300), seed=st.integers())
def test_every_item_is_put_exactly_once_whatever_is_left_unprocessed(count: int, seed: int) -> None:
    random = Random(seed)  # not drawn from hypothesis, which the lanes' threads would confuse
    seen: Counter[str] = Counter()

    def leave(entries: Requests) -> Requests:
        seen.update(map(_user, entries))
        return [entry for entry in entries if seen[_user(entry)] < 4 and random.random() < 0.5]

    database = Database(leave=leave)
    puts_of(database).put(TABLE, items(count))

    assert database.written == Counter(f"u{number}" for number in range(count))
