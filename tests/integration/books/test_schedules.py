"""Schedules by the API, and the ticks that run them."""

from typing import Any

import pytest

from taskqueue import clock
from taskqueue.beat.plan import task_id
from taskqueue.beat.schedule import Schedule
from taskqueue.beat.timing import Interval
from taskqueue.lambdas import clients, task_modules, wiring
from taskqueue.message import Message
from tests.support.api_stack import Send, Stack
from tests.support.gateway import CONTEXT

EVERY_MINUTE = {"task": "select_populate_book", "interval_seconds": 60}


@pytest.fixture
def tick(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run beat at a time."""
    from functions.beat import app

    def at(now_ms: int) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: now_ms)
        app.handler({}, CONTEXT)

    return at


def test_a_schedule_is_added_shown_and_removed(write: Send, read: Send) -> None:
    reply = write("PUT", "/schedules/mine", EVERY_MINUTE)
    assert reply.status == 200
    shown = read("GET", "/schedules/mine").body
    assert reply.body.items() <= shown.items()
    assert (shown["runs"], shown["last_run"], shown["last_status"]) == (0, None, None)
    assert clock.from_iso(shown["next_run"]) % 60_000 == 0
    assert [one["name"] for one in read("GET", "/schedules").body["schedules"]] == ["mine"]
    assert write("DELETE", "/schedules/mine").status == 204
    assert write("DELETE", "/schedules/mine").status == 404
    assert read("GET", "/schedules/mine").status == 404


def test_schedules_are_listed_by_the_page_with_what_became_of_their_tasks(
    stack: Stack, tick: Any, write: Send, read: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {f"mine{number}" for number in range(5)}
    for name in names:
        write("PUT", f"/schedules/{name}", EVERY_MINUTE)
    stack.dynamodb.put_item(TableName="schedules_table", Item={"name": {"S": "bad"}})
    now_ms = clock.now_ms()
    tick(now_ms)
    write("DELETE", "/schedules/select_populate_book")
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms + 60_000)
    pages = [read("GET", "/schedules", query={"limit": "2"}).body]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(read("GET", "/schedules", query={"limit": "2", "cursor": cursor}).body)
    assert max(len(page["schedules"]) for page in pages) == 2
    shown = {one["name"]: one for page in pages for one in page["schedules"]}
    assert shown.keys() == names | {"bad"}
    assert {shown[name]["last_status"] for name in names} == {"PENDING"}
    assert "broken" in shown["bad"]


def test_a_paused_schedule_has_no_next_run(write: Send, read: Send) -> None:
    write("PUT", "/schedules/mine", EVERY_MINUTE)
    write("PUT", "/schedules/mine", {**EVERY_MINUTE, "paused": True})
    shown = read("GET", "/schedules/mine").body
    assert (shown["paused"], shown["next_run"]) == (True, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"interval_seconds": 0}, "interval_seconds"),
        ({"task": "unknown"}, "task"),
        ({"args": [1]}, "args"),
        ({"interval_seconds": None, "crontab": "61 * * * *"}, "crontab"),
        ({"interval_seconds": None, "crontab": "0 0 30 2 *"}, "crontab"),
        ({"interval_seconds": None, "crontab": "* * * * *", "time_zone": "Mars"}, "time_zone"),
        ({"interval_seconds": None, "at": "2020-01-01T00:00:00Z"}, "at"),
        ({"misfire": "never"}, "misfire"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_schedule_is_refused_with_its_field(
    stack: Stack, write: Send, change: dict[str, Any], field: str
) -> None:
    reply = write("PUT", "/schedules/mine", EVERY_MINUTE | change)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)
    assert stack.items("schedules_table") == []


def test_a_bad_name_is_refused(write: Send) -> None:
    reply = write("PUT", "/schedules/a%20b", EVERY_MINUTE)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "name")


def test_a_tick_sends_the_declared_schedule_for_its_slot(
    stack: Stack, tick: Any, read: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = clock.now_ms()
    tick(now_ms)
    tick(now_ms)
    first_ms = (now_ms // 100_000 + 1) * 100_000
    ids = {item["id"]["S"] for item in stack.items("tasks_table")}
    slots = range(first_ms, now_ms + 120_001, 100_000)
    assert len(ids) == len(slots)
    due = {int(item["due_at_ms"]["N"]) for item in stack.items("tasks_table")}
    assert due == set(slots)
    monkeypatch.setattr(clock, "now_ms", lambda: first_ms + 1)
    shown = read("GET", "/schedules/select_populate_book").body
    assert (shown["runs"], shown["last_status"]) == (1, "PENDING")
    assert clock.from_iso(shown["last_run"]) == first_ms
    assert clock.from_iso(shown["next_run"]) == first_ms + 100_000


def test_missed_slots_and_broken_rows_are_in_the_log(
    stack: Stack,
    tick: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now_ms = clock.now_ms()
    tick(now_ms)
    stack.dynamodb.put_item(TableName="schedules_table", Item={"name": {"S": "bad"}})
    tick(now_ms + 3_600_000)
    assert {"slots were missed", "a schedule is broken"} <= set(caplog.messages)
    assert '"BeatTicks":[1' in capsys.readouterr().out


def test_a_tick_that_cannot_send_is_no_success_and_the_next_makes_up_for_it(
    stack: Stack,
    tick: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now_ms = clock.now_ms() // 100_000 * 100_000
    stack.take_queue_away("rankings")
    tick(now_ms)
    assert "slots were not sent" in caplog.messages
    assert "BeatTicks" not in capsys.readouterr().out
    assert stack.items("tasks_table") == []
    clients.client("sqs").create_queue(QueueName="rankings")
    tick(now_ms + 10_000)
    assert len(stack.items("tasks_table")) == 1


def test_slots_whose_id_another_task_has_are_passed_over_and_told(
    tick: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ms = clock.now_ms() // 100_000 * 100_000
    taken = task_id("select_populate_book", now_ms + 100_000)
    wiring.task_store().enqueue(Message("another", taken), now_ms)
    tick(now_ms)
    assert "slots were passed over" in caplog.messages
    assert '"SchedulesBroken":[1' in capsys.readouterr().out
    tick(now_ms + 80_000)
    sent = task_id("select_populate_book", now_ms + 200_000)
    assert wiring.task_store().get_many([taken, sent]).keys() == {taken, sent}


def test_the_period_is_a_parameter(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKING_PERIOD_SECONDS", "20")
    name = "select_populate_book"
    assert task_modules.declared() == (Schedule(name, name, Interval(20)),)
