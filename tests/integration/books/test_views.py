"""From a view to the ranking that readers get."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from books import stores
from books.ranking import BookInfo
from books.tasks import count_views, select_populate_book
from books.views import MAX_VIEWS, MINUTE_MS
from taskqueue import clock
from taskqueue.errors import Throttled
from taskqueue.lambdas import clients, wiring
from taskqueue.message import Message, decode, encode
from tests.support.api_stack import Record, Send, Stack
from tests.support.gateway import CONTEXT

Consume = Callable[[Sequence[Record]], list[str]]


@pytest.fixture
def consume(stack: Stack) -> Consume:
    """Run count_views on a batch; returns the ids of the messages that come back."""
    from functions.count_views.app import handler

    def run(records: Sequence[Record]) -> list[str]:
        answer = handler({"Records": list(records)}, CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    return run


def views(*books: str) -> dict[str, Any]:
    return {"views": [{"book": book} for book in books]}


def ago(seconds: int) -> str:
    return clock.iso(clock.now_ms() - seconds * 1000)


def test_one_view_is_one_message(stack: Stack, write: Send) -> None:
    before_ms = clock.now_ms()
    reply = write("POST", "/books/42/views")
    assert (reply.status, reply.body) == (202, {"views": 1})
    [record] = stack.records("views")
    message = decode(record["body"])
    [[book, at_ms]] = message.args[0]
    assert (message.task, book) == ("count_views", "42")
    assert before_ms <= at_ms <= clock.now_ms()


def test_many_views_are_one_message_and_cost_no_record(stack: Stack, write: Send) -> None:
    reply = write("POST", "/views", views(*(["1", "2"] * 500)))
    assert (reply.status, reply.body) == (202, {"views": 1_000})
    [record] = stack.records("views")
    assert len(decode(record["body"]).args[0]) == 1_000
    assert stack.items("tasks_table") == []


def test_a_view_has_its_own_time(stack: Stack, write: Send) -> None:
    assert write("POST", "/books/42/views", {"at": "2020-01-01T00:00:00Z"}).status == 400
    at = ago(600)
    assert write("POST", "/books/42/views", {"at": at}).status == 202
    [record] = stack.records("views")
    assert decode(record["body"]).args[0] == [["42", clock.from_iso(at)]]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"views": []}, "views", "at least 1"),
        (views(*["1"] * (MAX_VIEWS + 1)), "views", "at most 1000"),
        ({}, "views", "required"),
        ({"views": [{"book": 1}]}, "views.0.book", "string"),
        ({"views": [{"book": "1"}, {"at": "now"}]}, "views.1.book", "required"),
        ({"views": [{"book": "1", "colour": "red"}]}, "views.0.colour", "not a field"),
        (views("1", "a b"), "views.1.book", "characters"),
        (views("1", ""), "views.1.book", "1 to 128"),
        (views("x" * 10_000), "views.0.book", "1 to 128"),
        ({"views": [{"book": "1", "at": "now"}]}, "views.0.at", "ISO 8601"),
        ({"views": [{"book": "1", "at": "2026-01-01T00:00:00"}]}, "views.0.at", "time zone"),
        ({"views": [{"book": "1", "at": "2020-01-01T00:00:00Z"}]}, "views.0.at", "older than"),
        ({"views": [{"book": "1", "at": "2990-01-01T00:00:00Z"}]}, "views.0.at", "future"),
    ],
)
def test_views_that_are_not_valid_are_refused_with_the_reason(
    stack: Stack, write: Send, body: dict[str, Any], field: str, reason: str
) -> None:
    reply = write("POST", "/views", body)
    assert reply.status == 400
    [error] = reply.body["errors"]
    assert error["field"] == field
    assert reason in error["reason"]
    assert stack.records("views") == []


@pytest.mark.parametrize("path", ["/books/a%20b/views", f"/books/{'x' * 129}/views"])
def test_a_book_that_is_no_id_is_refused(write: Send, path: str) -> None:
    reply = write("POST", path)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "book")


def test_without_the_queue_the_caller_is_told(stack: Stack, write: Send) -> None:
    stack.take_queue_away("views")
    assert write("POST", "/books/42/views").status == 500


def test_the_ranking_is_the_brute_force_count_though_messages_come_twice(
    stack: Stack, write: Send, read: Send, consume: Consume
) -> None:
    generator = random.Random(7)
    accepted: Counter[str] = Counter()
    for _ in range(12):
        sent = [str(generator.randrange(30)) for _ in range(generator.randrange(1, 200))]
        assert write("POST", "/views", views(*sent)).status == 202
        accepted.update(sent)
    records = stack.records("views")
    assert consume(records[:7]) == []
    assert consume(records[5:]) == []
    assert consume([records[0], *records[8:10], records[8]]) == []
    stores.catalogue().put({str(number): BookInfo(f"Book {number}", "A") for number in range(25)})
    result = select_populate_book()
    best = sorted(accepted, key=lambda book: (-accepted[book], book))[:10]
    shown = [(entry["book"], entry["views"]) for entry in result["books"]]
    assert shown == [(book, accepted[book]) for book in best]
    assert (result["views"], result["distinct_books"]) == (accepted.total(), len(accepted))
    assert read("GET", "/books/top").body == result
    titles = {entry["book"]: entry["title"] for entry in result["books"]}
    assert titles == {book: f"Book {book}" if int(book) < 25 else None for book in best}


def test_the_change_is_against_the_ranking_before(
    stack: Stack, write: Send, consume: Consume
) -> None:
    def rank(*books: str) -> dict[str, int | None]:
        write("POST", "/views", views(*books))
        consume(stack.records("views"))
        return {entry["book"]: entry["change"] for entry in select_populate_book()["books"]}

    assert rank("a", "a", "b") == {"a": None, "b": None}
    assert rank("b", "b", "c") == {"b": 1, "a": -1, "c": None}


def test_a_consumer_that_cannot_write_gives_its_messages_back(
    stack: Stack, write: Send, consume: Consume
) -> None:
    write("POST", "/views", views("1"))
    records = stack.records("views")
    stack.take_table_away("views_table")
    assert consume(records) == [records[0]["messageId"]]


@contextmanager
def throttled(stack: Stack, text: bytes) -> Iterator[None]:
    """While puts of items that hold this text are throttled, however often they are tried."""
    refused = SimpleNamespace(status_code=400)
    error = {"Error": {"Code": "ThrottlingException", "Message": "Too much at once."}}

    def answer(params: dict[str, Any], **_: object) -> tuple[Any, Any] | None:
        return (refused, error) if text in params["body"] else None

    events: Any = stack.dynamodb.meta.events
    events.register("before-call.dynamodb.PutItem", answer)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb.PutItem", answer)


def test_a_ranking_goes_on_where_a_throttled_table_ended_it(
    stack: Stack, write: Send, read: Send, consume: Consume
) -> None:
    times = [ago(60 * minutes) for minutes in range(12, 2, -1)]
    for at in times:
        write("POST", "/views", {"views": [{"book": "1", "at": at}]})
        assert consume(stack.records("views")) == []
    for at, folded in ((times[3], 3), (times[8], 8)):
        summary = b'{"S": "minute#%d"}' % (clock.from_iso(at) // MINUTE_MS)
        with throttled(stack, summary), pytest.raises(Throttled):
            select_populate_book()
        heads = [item for item in stack.items("views_table") if item["sk"]["S"] == "head"]
        assert len(heads) == folded
        assert read("GET", "/books/top").status == 404
    assert select_populate_book()["views"] == len(times)
    assert read("GET", "/books/top").body["views"] == len(times)


def test_only_messages_with_views_that_were_not_written_come_back(
    stack: Stack, write: Send, consume: Consume
) -> None:
    before = ago(600)
    minute = clock.from_iso(before) // MINUTE_MS
    for body in (
        {"views": [{"book": "old", "at": before}]},
        views("new"),
        {"views": [{"book": "old", "at": before}, {"book": "new"}]},
    ):
        write("POST", "/views", body)
    old, new, both = stack.records("views")
    with throttled(stack, b"minute#%d#" % minute):
        kept = consume([old, new, both])
    assert set(kept) == {old["messageId"], both["messageId"]}
    assert select_populate_book()["views"] == 2
    assert consume([both, old]) == []
    counted = {entry["book"]: entry["views"] for entry in select_populate_book()["books"]}
    assert counted == {"old": 2, "new": 2}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "neither JSON"),
        (encode(Message("unknown", "t")), "unknown task"),
        (encode(Message("select_populate_book", "t")), "this queue is for count_views only"),
        (encode(Message("count_views", "t")), "do not fit"),
        (encode(Message("count_views", "t", ([["1"]],))), "views.0.pair"),
        (encode(Message("count_views", "t", ([["1", 5]],))), "older than the window"),
    ],
)
def test_what_is_no_view_is_a_dead_letter_and_the_rest_is_counted(
    stack: Stack, write: Send, body: str, reason: str, consume: Consume
) -> None:
    clients.client("sqs").send_message(
        QueueUrl=wiring.settings().queues["views"].url, MessageBody=body
    )
    write("POST", "/views", views("1", "2"))
    assert consume(stack.records("views")) == []
    [letter] = stack.receive("dead-letters")
    assert letter["Body"] == body
    assert reason in letter["MessageAttributes"]["reason"]["StringValue"]
    assert select_populate_book()["views"] == 2


def test_the_log_does_not_quote_what_is_refused(
    stack: Stack, write: Send, consume: Consume, capsys: pytest.CaptureFixture[str]
) -> None:
    url = wiring.settings().queues["views"].url
    for secret in (Message("secret", "t"), Message("count_views", "t", (), {"secret": 1})):
        clients.client("sqs").send_message(QueueUrl=url, MessageBody=encode(secret))
    write("POST", "/views", {"secret": "secret"})
    write("POST", "/tasks/count_views", {"args": ["secret"], "kwargs": {"secret": "secret"}})
    assert consume(stack.records("views")) == []
    assert "secret" not in capsys.readouterr().out


def test_a_dead_letter_that_cannot_be_sent_comes_back(stack: Stack, consume: Consume) -> None:
    url = wiring.settings().queues["views"].url
    clients.client("sqs").send_message(QueueUrl=url, MessageBody="nonsense")
    stack.take_queue_away("dead-letters")
    [record] = stack.records("views")
    assert consume([record]) == [record["messageId"]]


def test_views_of_a_stock_client_by_keyword_are_counted(stack: Stack, consume: Consume) -> None:
    message = Message("count_views", "t", (), {"views": [["7", clock.now_ms()]]})
    url = wiring.settings().queues["views"].url
    clients.client("sqs").send_message(QueueUrl=url, MessageBody=encode(message))
    assert consume(stack.records("views")) == []
    assert [entry["book"] for entry in select_populate_book()["books"]] == ["7"]


def test_a_segment_that_cannot_be_read_is_told_by_the_ranking(
    stack: Stack, write: Send, consume: Consume
) -> None:
    write("POST", "/views", views("1"))
    consume(stack.records("views"))
    [segment] = [item for item in stack.items("views_table") if "segment#" in item["sk"]["S"]]
    broken = {**segment, "sk": {"S": "segment#broken"}, "data": {"B": b"S1 nonsense"}}
    stack.dynamodb.put_item(TableName="views_table", Item=broken)
    result = select_populate_book()
    assert (result["views"], result["segments_left_out"]) == (1, 1)
    assert [i for i in stack.items("views_table") if i["pk"]["S"] == "aside"]


def test_the_stored_ranking_is_one_read_with_an_entity_tag(
    stack: Stack, write: Send, read: Send
) -> None:
    assert read("GET", "/books/top").status == 404
    select_populate_book()
    reply = read("GET", "/books/top")
    assert reply.status == 200
    assert 90 <= int(reply.headers["cache-control"].removeprefix("max-age=")) <= 100
    for tag in (reply.headers["etag"], f'"x", W/{reply.headers["etag"]}'):
        again = read("GET", "/books/top", headers={"If-None-Match": tag})
        assert (again.status, again.headers["etag"]) == (304, reply.headers["etag"])
    assert read("GET", "/books/top", headers={"If-None-Match": '"other"'}).status == 200


def test_an_earlier_ranking_is_read_by_its_time(
    stack: Stack, write: Send, read: Send, consume: Consume
) -> None:
    first = select_populate_book()
    write("POST", "/views", views("1"))
    consume(stack.records("views"))
    second = select_populate_book()
    for ranking in (first, second):
        assert read("GET", "/books/top", query={"at": ranking["computed_at"]}).body == ranking
    assert read("GET", "/books/top", query={"at": "2020-01-01T00:00:00Z"}).status == 404


@pytest.mark.parametrize("at", ["", "now", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z", "x" * 99])
def test_a_time_that_is_none_is_named(read: Send, at: str) -> None:
    reply = read("GET", "/books/top", query={"at": at})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "at")


def test_the_task_of_a_single_message_counts_it_too(stack: Stack) -> None:
    class Run:
        id = "t"
        now_ms = staticmethod(clock.now_ms)

    for _ in range(2):
        count_views.run(Run(), [["9", clock.now_ms()]])
    assert select_populate_book()["views"] == 1
