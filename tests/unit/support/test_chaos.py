"""A campaign finds what is wrong with a stack, and nothing where nothing is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskqueue.records.record import TaskRecord
from tests.chaos import checking
from tests.chaos.checking import Found, Run
from tests.chaos.posting import Accepted, News, friends_of
from tests.chaos.workload import Post, Sum, workload

NOW_MS = 1_000_000
DOOR = Path("/door")


def _record(task_id: str, status: str = "SUCCESS", **parts: Any) -> TaskRecord:
    return TaskRecord(task_id, "task", "queue", status, finished_at_ms=NOW_MS, **parts)


ACCEPTED = Accepted(
    news=[News("n", "post", 3)],
    sums={"sum": Sum("sum", (1, 2), failures=1, countdown=0)},
    doors={"locked": DOOR},
    rankings={"rank"},
    one_offs={"one-off": 5},
    views={"book": 7},
    maybe_views={"maybe": 2},
    junk=1,
)
FOUND = Found(
    records={
        "post": _record("post", result=3),
        "sum": _record("sum", result=3, retries=1),
        "locked": _record("locked", result=str(DOOR)),
        "one-off": _record("one-off", result=1),
        "rank": _record("rank", result={"books": []}),
        # Nobody was told of this one.
        "untold": _record("untold", "PENDING"),
        "later": _record("later", "PENDING", due_at_ms=NOW_MS + 1),
    },
    feeds={"n": friends_of(3), "unanswered": friends_of(2)},
    views={"book": 7},
    runs=[Run("sum", 1, 0, 0, NOW_MS - 20), Run("sum", 2, 1, NOW_MS - 10, NOW_MS - 10)],
    letters=[
        {"id": "a", "task_id": "locked", "reason": "failed"},
        {"id": "b", "task_id": None, "reason": "no JSON"},
    ],
)
# While the door is closed.
CLOSED = replace(FOUND, records={**FOUND.records, "locked": _record("locked", "FAILURE")})

type Search = Callable[[Accepted, Found], Iterator[str]]


def _never_ended(accepted: Accepted, found: Found) -> Iterator[str]:
    return checking.never_ended(accepted, found, NOW_MS)


def _wrong_runs(_: Accepted, found: Found) -> Iterator[str]:
    return checking.wrong_runs(found)


def _records(**changed: TaskRecord) -> Mapping[str, TaskRecord]:
    return {**FOUND.records, **changed}


SEARCHES: list[Search] = [
    checking.wrong_feeds,
    checking.wrong_ends,
    checking.wrong_retries,
    checking.wrong_views,
    _never_ended,
    _wrong_runs,
]


def test_nothing_is_wrong_with_a_stack_that_did_what_it_said() -> None:
    assert [wrong for search in SEARCHES for wrong in search(ACCEPTED, FOUND)] == []
    assert list(checking.wrong_letters(ACCEPTED, CLOSED)) == []
    assert list(checking.left_behind(ACCEPTED, FOUND, NOW_MS)) == ["untold"]
    assert checking.recovery_ms(FOUND, NOW_MS - 5_000) == 5_000


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (checking.wrong_feeds, replace(FOUND, feeds={"n": friends_of(2)})),
        (checking.wrong_feeds, replace(FOUND, feeds={"n": [*friends_of(3), "stranger"]})),
        (checking.wrong_feeds, replace(FOUND, feeds={**FOUND.feeds, "unanswered": ["stranger"]})),
        (checking.wrong_ends, replace(FOUND, records={})),
        (checking.wrong_ends, replace(FOUND, records=_records(post=_record("post", result=6)))),
        (checking.wrong_ends, replace(FOUND, records=_records(sum=_record("sum", "FAILURE")))),
        (checking.wrong_retries, replace(FOUND, records=_records(sum=_record("sum", result=3)))),
        (_never_ended, replace(FOUND, records=_records(post=_record("post", "PENDING")))),
        (_never_ended, replace(FOUND, records=_records(part=_record("part", "STARTED")))),
        (_wrong_runs, replace(FOUND, runs=[Run("sum", 1, 0, 0, NOW_MS + 1)])),
        (_wrong_runs, replace(FOUND, runs=[Run("sum", 1, 0, 9, 8)])),
        (_wrong_runs, replace(FOUND, runs=[Run("sum", 1, 0, 0, 1), Run("sum", 1, 0, 0, 2)])),
        (checking.wrong_views, replace(FOUND, views={"book": 8})),
        (checking.wrong_views, replace(FOUND, views={"book": 7, "maybe": 1})),
        (checking.wrong_letters, replace(CLOSED, letters=[])),
        (checking.wrong_letters, FOUND),
    ],
)
def test_what_is_wrong_is_found(search: Search, found: Found) -> None:
    assert list(search(ACCEPTED, found))


def test_a_seed_draws_the_same_jobs_of_all_kinds() -> None:
    jobs = workload(1, 200)
    assert jobs == workload(1, 200) != workload(2, 200)
    assert len(jobs) == 200
    assert {type(job).__name__ for job in jobs} == {
        *("Post", "Sum", "Locked", "Rank", "Views", "OneOff", "Junk")
    }
    assert any(isinstance(job, Post) and job.friends > 1_000 for job in jobs)
