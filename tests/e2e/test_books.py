"""From a view to the ranking that readers get; each ranking is compared with a count by hand."""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from books.catalogue_store import CatalogueStore
from books.counting.items import key
from books.counting.minutes import StoredSegment
from books.counting.store import DynamoViewStore
from books.ranking import BookInfo
from tests.e2e.alarms import alarm_of, alarms_of, looks_at
from tests.e2e.celery_client import CeleryClient
from tests.faults.duplicates import duplicated
from tests.faults.lost_acknowledgement import killed_once_it_has_written
from tests.support.hand_count import (
    Ranking,
    best,
    check,
    forget_views,
    ranking_of,
    start_ranking,
    wait_until_counted,
)
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.ministack import Ministack
from tools.local.rest import Answer, Rest
from tools.waiting import until

WINDOW_MINUTES = 60


@pytest.fixture(autouse=True)
def _no_views(stack: Stack) -> None:
    """Each test counts its own views only."""
    wait_until_counted(stack)
    forget_views(stack)


@pytest.fixture
def books() -> Sequence[str]:
    """More books than a ranking lists, in the order of their ids."""
    name = uuid.uuid4().hex
    return [f"{name}-{number:02d}" for number in range(15)]


def test_views_become_the_ranking_that_readers_get(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    catalogue = CatalogueStore(stack.client("dynamodb"), stack.outputs["CatalogueTable"])
    catalogue.put({books[0]: BookInfo("Emma", "Jane Austen")})
    counts = _skewed(books)
    _view(rest, counts)
    rest.post(f"/books/{books[14]}/views").expect(202)
    counts[books[14]] += 1

    ranking = _count_and_rank(stack, rest)

    check(ranking, counts)
    first, second = ranking["books"][:2]
    assert (first["title"], first["authors"]) == ("Emma", "Jane Austen")
    assert (second["title"], second["authors"]) == (None, None)
    window = _time(ranking["window_end"]) - _time(ranking["window_start"])
    assert window == timedelta(hours=1)
    assert _time(ranking["window_end"]) > _time(ranking["computed_at"])
    # Beat makes rankings, too; of the same views, so only the time and the changes may differ.
    top = rest.get("/books/top").expect(200)
    check(top, counts)
    assert _time(top["computed_at"]) >= _time(ranking["computed_at"])


def test_a_change_of_rank_is_told(stack: Stack, rest: Rest, books: Sequence[str]) -> None:
    first, second, third = books[:3]
    _view(rest, Counter({first: 3, second: 2}))
    _count_and_rank(stack, rest)
    _view(rest, Counter({second: 4, third: 4}))
    ranking = _count_and_rank(stack, rest)
    # The one before may be one of beat's, of the same views.
    before = {book["book"]: book["rank"] for book in _before(rest, ranking)["books"]}
    assert [(book["book"], book["change"]) for book in ranking["books"]] == [
        (book, before[book] - rank if book in before else None)
        for rank, book in enumerate((second, third, first), 1)
    ]


def test_books_with_as_many_views_stand_in_the_order_of_their_ids(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    counts = Counter(dict.fromkeys(reversed(books), 2))
    _view(rest, counts)
    ranking = _count_and_rank(stack, rest)
    assert [book["book"] for book in ranking["books"]] == list(books[:10])
    check(ranking, counts)


def test_a_view_has_its_own_time_and_comes_late(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    """The minute that it belongs to has been folded into a summary by the ranking before."""
    past = datetime.now(UTC) - timedelta(minutes=30)
    for counted in (1, 2, 3):
        rest.post(f"/books/{books[0]}/views", {"at": past.isoformat()}).expect(202)
        check(_count_and_rank(stack, rest), Counter({books[0]: counted}))


def test_an_earlier_ranking_is_kept(stack: Stack, rest: Rest, books: Sequence[str]) -> None:
    _view(rest, Counter({books[0]: 1}))
    earlier = _count_and_rank(stack, rest)
    _view(rest, Counter({books[1]: 2}))
    later = _count_and_rank(stack, rest)
    for ranking in (earlier, later):
        at = _query(_time(ranking["computed_at"]))
        assert rest.get(f"/books/top?at={at}").expect(200) == ranking
    rest.get("/books/top?at=2020-01-01T00:00:00Z").expect(404)
    assert _errors(rest.get("/books/top?at=noon")) == [
        {"field": "at", "reason": "must be a time in ISO 8601"}
    ]


def test_a_reader_who_has_the_ranking_gets_it_only_when_it_changes(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    _view(rest, Counter({books[0]: 1}))
    _count_and_rank(stack, rest)
    answer = rest.get("/books/top")
    assert answer.headers["Cache-Control"].startswith("max-age=")
    known = {"If-None-Match": answer.headers["ETag"]}
    again = rest.call("GET", "/books/top", headers=known)
    assert (again.status, again.body) == (304, None)
    _count_and_rank(stack, rest)
    assert rest.call("GET", "/books/top", headers=known).status == 200


def test_a_tenth_of_the_messages_delivered_twice_changes_nothing(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    counts: Counter[str] = Counter()
    with duplicated(stack, ["ProducerFunction"]) as duplicator:
        for number in range(20):
            counts += _view(rest, Counter({books[number % 15]: number + 1}))
        wait_until_counted(stack)
    assert (duplicator.sent, duplicator.copied) == (20, 2)
    check(_count_and_rank(stack, rest), counts)


def test_a_consumer_killed_before_its_acknowledgement_counts_once(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    counts = _skewed(books)
    with killed_once_it_has_written(stack) as killed:
        _view(rest, counts)
        wait_until_counted(stack)
    assert killed
    check(_count_and_rank(stack, rest), counts)


def test_two_rankings_at_once_agree(stack: Stack, rest: Rest, books: Sequence[str]) -> None:
    """Both fold the same closed minute."""
    past = datetime.now(UTC) - timedelta(minutes=10)
    counts = _view(rest, _skewed(books), past)
    wait_until_counted(stack)
    for task_id in [start_ranking(rest), start_ranking(rest)]:
        check(ranking_of(rest, task_id), counts)
    check(rest.get("/books/top").expect(200), counts)
    # From the summary now.
    check(_count_and_rank(stack, rest), counts)


def test_a_segment_that_cannot_be_read_is_set_aside(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    counts = _view(rest, _skewed(books))
    wait_until_counted(stack)
    minute = int(datetime.now(UTC).timestamp()) // 60
    dynamodb, table = stack.client("dynamodb"), stack.outputs["ViewsTable"]
    views = DynamoViewStore(dynamodb, table, WINDOW_MINUTES)
    views.append(StoredSegment(minute, "damaged", b"S1 but no more"))

    ranking = ranking_of(rest, start_ranking(rest))

    assert ranking["segments_left_out"] == 1
    assert [(book["book"], book["views"]) for book in ranking["books"]] == best(counts)
    aside = dynamodb.get_item(TableName=table, Key=key("aside", f"{minute}#damaged"))
    assert aside["Item"]["data"]["B"] == b"S1 but no more"


def test_a_stock_client_gets_the_ranking_as_its_result(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    counts = _view(rest, _skewed(books))
    wait_until_counted(stack)
    sent, total, *lines = CeleryClient(stack).run("hottest_books.py").splitlines()
    task_id = sent.split()[1]
    assert finished(rest, task_id)["attempts"] == 1
    assert total == f"{counts.total()} views of {len(counts)} books"
    assert lines == [
        f"{rank}. {book}: {views}" for rank, (book, views) in enumerate(best(counts), 1)
    ]


def test_views_that_make_no_sense_are_refused_and_none_of_them_counted(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    now = datetime.now(UTC)
    good = {"book": books[0]}
    for wrong, reason in (
        ({"at": (now - timedelta(minutes=62)).isoformat()}, "is older than the window of"),
        ({"at": (now + timedelta(minutes=2)).isoformat()}, "is more than a minute in the future"),
        ({"at": now.replace(tzinfo=None).isoformat()}, "time zone"),
        ({"book": "a b"}, "must be 1 to 128 of the characters"),
        ({"book": "x" * 129}, "must be 1 to 128 of the characters"),
    ):
        (error,) = _errors(rest.post("/views", {"views": [good, {**good, **wrong}]}))
        assert error["field"] == f"views.1.{next(iter(wrong))}"
        assert reason in error["reason"]
    for size in (0, 1_001):
        assert rest.post("/views", {"views": [good] * size}).status == 400
    ranking = _count_and_rank(stack, rest)
    assert (ranking["books"], ranking["views"]) == ([], 0)


def test_a_request_that_is_repeated_counts_once(
    stack: Stack, rest: Rest, books: Sequence[str]
) -> None:
    key = uuid.uuid4().hex
    for _ in range(2):
        rest.post("/views", {"views": [{"book": books[0]}]}, idempotency_key=key).expect(202)
    check(_count_and_rank(stack, rest), Counter({books[0]: 1}))


def test_the_alarm_looks_at_the_metric_that_a_ranking_emits(stack: Stack, rest: Rest) -> None:
    alarm = alarm_of(stack, "RankingsComputed")
    ranking_of(rest, start_ranking(rest))
    emitted = until(lambda: _emitted(stack, "RankingsComputed"), "the metric in the log")
    assert looks_at(alarm, emitted)
    assert (alarm["TreatMissingData"], alarm["Period"]) == ("breaching", 300)


def test_an_alarm_looks_at_the_rate_at_which_a_queue_s_tasks_fail(stack: Stack, rest: Rest) -> None:
    ranking_of(rest, start_ranking(rest))
    emitted = until(lambda: _emitted(stack, "TaskFailureRate"), "the metric in the log")
    looking = [alarm for alarm in alarms_of(stack, "TaskFailureRate") if looks_at(alarm, emitted)]
    assert len(looking) == 1


def _emitted(stack: Stack, metric: str) -> dict[str, Any] | None:
    """Return the last metrics that any function has logged with this one among them."""
    lines = Ministack(stack.port).log.read_text(errors="replace").splitlines()
    found = [line for line in lines if line.startswith('{"_aws"') and f'"{metric}":' in line]
    return json.loads(found[-1]) if found else None


def _skewed(books: Sequence[str]) -> Counter[str]:
    """Each book with one view less than the one before."""
    return Counter({book: len(books) - index for index, book in enumerate(books)})


def _view(rest: Rest, counts: Counter[str], at: datetime | None = None) -> Counter[str]:
    """Post so many views of each book, and return `counts`."""
    time = {"at": at.isoformat()} if at else {}
    views = [{"book": book, **time} for book in counts.elements()]
    assert rest.post("/views", {"views": views}).expect(202) == {"views": counts.total()}
    return counts


def _count_and_rank(stack: Stack, rest: Rest) -> Ranking:
    wait_until_counted(stack)
    return ranking_of(rest, start_ranking(rest))


def _before(rest: Rest, ranking: Ranking) -> Ranking:
    """The ranking that was the latest when this one was made."""
    at = _time(ranking["computed_at"]) - timedelta(milliseconds=1)
    found: Ranking = rest.get(f"/books/top?at={_query(at)}").expect(200)
    return found


def _query(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _errors(answer: Answer) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = answer.expect(400)["errors"]
    return errors
