"""Whether a stack did what it said: pure, from what was accepted and what was found afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

from taskqueue.records import states
from taskqueue.records.record import TaskRecord
from tests.chaos.posting import Accepted, friends_of


@dataclass(frozen=True)
class Run:
    """A run of a task, as the task itself has noted it. Times in milliseconds since the epoch."""

    task_id: str
    attempt: int
    retries: int
    due_at_ms: int
    at_ms: int


@dataclass(frozen=True)
class Found:
    """What a stack has at rest.

    Attributes:
        records: of all tasks, by id.
        feeds: who has which news, by the ids of the news, in the order of the users' ids.
        views: how often each book was viewed.
        runs: of the campaign's own tasks.
        letters: the dead letters, as the API shows them.
    """

    records: Mapping[str, TaskRecord]
    feeds: Mapping[str, Sequence[str]]
    views: Mapping[str, int]
    runs: Sequence[Run]
    letters: Sequence[Mapping[str, Any]]


def wrong_feeds(accepted: Accepted, found: Found) -> Iterator[str]:
    """News that not exactly their author's friends have, once each.

    Of news whose post was not answered, nobody or all have them.
    """
    for news in accepted.news:
        readers = list(found.feeds.get(news.news_id, ()))
        if readers != friends_of(news.friends):
            yield f"news {news.news_id}: {len(readers)} of {news.friends} friends have them"
    known = {news.news_id for news in accepted.news}
    for news_id, users in found.feeds.items():
        if news_id not in known and list(users) != friends_of(len(users)):
            yield f"news {news_id}, not answered: {len(users)} users have them"


def wrong_ends(accepted: Accepted, found: Found) -> Iterator[str]:
    """Tasks that were accepted and have not ended as they should, once all doors are open."""
    expected: dict[str, tuple[str, Any]] = {
        **{news.task_id: (states.SUCCESS, news.friends) for news in accepted.news},
        **{task_id: (states.SUCCESS, job.result) for task_id, job in accepted.sums.items()},
        **dict.fromkeys(accepted.one_offs, (states.SUCCESS, 1)),
        **dict.fromkeys(accepted.rankings, (states.SUCCESS, ANY)),
        **{task_id: (states.SUCCESS, str(door)) for task_id, door in accepted.doors.items()},
    }
    for task_id, (status, result) in expected.items():
        record = found.records.get(task_id)
        if record is None:
            yield f"task {task_id}: there is no record"
        elif (record.status, record.result) != (status, result):
            yield f"task {task_id}, {record.task}: {record.status}, {record.result!r}"


def wrong_retries(accepted: Accepted, found: Found) -> Iterator[str]:
    """Tasks whose record counts other retries than they asked for."""
    for task_id, job in accepted.sums.items():
        record = found.records.get(task_id)
        if record and record.retries != job.failures:
            yield f"task {task_id}: {record.retries} retries, not {job.failures}"


def never_ended(accepted: Accepted, found: Found, now_ms: int) -> Iterator[str]:
    """Tasks that wait or run for ever, but for those that nobody was told of."""
    for record in _unfinished(found, now_ms):
        is_untold = record.status == states.PENDING and record.id not in _told(accepted)
        if not is_untold:
            yield f"task {record.id}, {record.task}: {record.status}"


def left_behind(accepted: Accepted, found: Found, now_ms: int) -> Iterator[str]:
    """Records of tasks that nobody was told of, since the request died on the way."""
    for record in _unfinished(found, now_ms):
        if record.status == states.PENDING and record.id not in _told(accepted):
            yield record.id


def wrong_runs(found: Found) -> Iterator[str]:
    """Runs that began before their time, after their task's end, or under another's claim."""
    claims = Counter((run.task_id, run.attempt) for run in found.runs)
    for run in found.runs:
        record = found.records.get(run.task_id)
        name = f"task {run.task_id}, attempt {run.attempt}"
        if claims[run.task_id, run.attempt] > 1:
            yield f"{name}: ran twice"
        if run.at_ms < run.due_at_ms:
            yield f"{name}: ran {run.due_at_ms - run.at_ms} ms early"
        if record and record.status == states.SUCCESS and run.at_ms > (record.finished_at_ms or 0):
            yield f"{name}: ran after its end"


def wrong_views(accepted: Accepted, found: Found) -> Iterator[str]:
    """Books that were not viewed as often as was posted."""
    for book, count in accepted.views.items():
        if found.views.get(book, 0) != count:
            yield f"{book}: {found.views.get(book, 0)} views, not {count}"
    for book, count in accepted.maybe_views.items():
        if found.views.get(book, 0) not in (0, count):
            yield f"{book}, not answered: {found.views[book]} views, not {count}"


def wrong_letters(accepted: Accepted, found: Found) -> Iterator[str]:
    """Dead letters without a reason or of a task that has not failed, and failures without one.

    While all doors are closed.
    """
    of_tasks = {letter["task_id"] for letter in found.letters}
    for letter in found.letters:
        record = found.records.get(letter["task_id"] or "")
        if not letter["reason"]:
            yield f"letter {letter['id']}: no reason"
        if letter["task_id"] and (record is None or record.status != states.FAILURE):
            yield f"letter {letter['id']}: its task is {record and record.status}"
    for task_id in accepted.doors.keys() - of_tasks:
        yield f"task {task_id}: there is no letter"
    unreadable = sum(letter["task_id"] is None for letter in found.letters)
    if unreadable < accepted.junk:
        yield f"of {accepted.junk} unreadable messages {unreadable} are dead letters"


def recovery_ms(found: Found, since_ms: int) -> int:
    """How long after `since_ms`, or after it was due, the last task ended."""
    return max(
        (
            record.finished_at_ms - max(since_ms, record.due_at_ms or 0)
            for record in found.records.values()
            if record.finished_at_ms
        ),
        default=0,
    )


def _unfinished(found: Found, now_ms: int) -> Iterator[TaskRecord]:
    for record in found.records.values():
        if record.status not in states.FINISHED and (record.due_at_ms or 0) <= now_ms:
            yield record


def _told(accepted: Accepted) -> set[str]:
    news = {one.task_id for one in accepted.news}
    own = accepted.sums.keys() | accepted.doors.keys() | accepted.rankings
    return news | own | accepted.one_offs.keys()
