"""Schedules, and the ticks that run them on their slots."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from taskqueue.beat.plan import task_id
from taskqueue.beat.timing import Interval, due
from taskqueue.clock import from_iso, iso, now_ms
from tests.e2e.alarms import alarm_of, looks_at
from tests.e2e.beating import Beat, Line, Schedules
from tests.faults.local_function import LocalFunction
from tests.support.tasks import finished, task
from tools.local.deployed import Stack
from tools.local.rest import Rest

# The benchmark holds beat to 250 ms; here others use the machine, too.
MAX_LATE_MS = 1_000
# A tick waits for the process that it starts.
TICK_MS = 5_000
MINUTE_MS = 60_000


@pytest.fixture
def schedules(stack: Stack, rest: Rest) -> Iterator[Schedules]:
    made = Schedules(stack, rest)
    yield made
    made.remove_all()


@pytest.fixture
def beat(stack: Stack) -> Iterator[Beat]:
    """Ticks when the test says so, and only then."""
    beat = Beat(stack)
    with beat.without_its_rule():
        yield beat


def test_the_rules_own_tick_runs_what_is_due(rest: Rest, schedules: Schedules) -> None:
    at_ms = _second(now_ms() + 5_000)
    name = schedules.put(at=iso(at_ms))
    found = finished(rest, task_id(name, at_ms), 90)
    assert (found["status"], found["attempts"]) == ("SUCCESS", 1)
    assert from_iso(found["finished_at"]) >= at_ms


def test_an_interval_runs_on_its_slots_and_never_twice_with_two_beats_at_once(
    rest: Rest, schedules: Schedules, beat: Beat
) -> None:
    put_ms = now_ms()
    name = schedules.put(interval_seconds=4)
    beat.ticks_at_once(2)
    # The first slots pass while the tasks' consumer starts.
    start_ms = now_ms() + TICK_MS
    slots = due(Interval(4), start_ms, start_ms + 16_000)
    beat.ticks_at_once(2)
    for slot_ms in slots:
        found = finished(rest, task_id(name, slot_ms))
        assert (found["status"], found["attempts"]) == ("SUCCESS", 1)
        assert slot_ms <= from_iso(found["finished_at"]) <= slot_ms + MAX_LATE_MS
    shown = schedules.get(name)
    assert shown["last_run"] == iso(slots[-1])
    assert shown["last_task_id"] == task_id(name, slots[-1])
    assert shown["last_status"] == "SUCCESS"
    assert shown["next_run"] == iso(slots[-1] + 4_000)
    # Also those before the first that was looked at.
    assert len(slots) <= shown["runs"] <= len(due(Interval(4), put_ms, slots[-1]))


def test_a_one_off_runs_once(rest: Rest, schedules: Schedules, beat: Beat) -> None:
    at_ms = _second(now_ms() + TICK_MS)
    name = schedules.put(at=iso(at_ms))
    assert schedules.get(name)["next_run"] == iso(at_ms)
    beat.ticks_at_once(2)
    found = finished(rest, task_id(name, at_ms))
    beat.tick()
    assert found["attempts"] == task(rest, task_id(name, at_ms))["attempts"] == 1
    assert at_ms <= from_iso(found["finished_at"]) <= at_ms + MAX_LATE_MS
    shown = schedules.get(name)
    assert (shown["runs"], shown["last_run"], shown["next_run"]) == (1, iso(at_ms), None)


@pytest.mark.parametrize(("misfire", "late"), [("latest", [2]), ("all", [0, 1, 2]), ("skip", [])])
def test_slots_that_no_tick_planned_are_made_up_for_by_the_policy(
    rest: Rest, schedules: Schedules, beat: Beat, misfire: str, late: Sequence[int]
) -> None:
    hour_ms = 60 * MINUTE_MS
    name = schedules.put(interval_seconds=3_600, misfire=misfire)
    latest_ms = now_ms() // hour_ms * hour_ms
    slots = [latest_ms - 2 * hour_ms, latest_ms - hour_ms, latest_ms]
    schedules.set_cursor(name, slots[0] - 1)

    (line,) = _said(beat.tick(), "slots were missed", name)

    assert (line["level"], line["slots"]) == ("WARNING", 3)
    assert (line["first_slot"], line["last_slot"]) == (iso(slots[0]), iso(slots[2]))
    assert line["run_late"] == [iso(slots[index]) for index in late]
    for index, slot_ms in enumerate(slots):
        if index in late:
            assert finished(rest, task_id(name, slot_ms))["status"] == "SUCCESS"
        else:
            rest.get(f"/tasks/{task_id(name, slot_ms)}").expect(404)
    assert _said(beat.tick(), "slots were missed", name) == []


def test_a_send_that_fails_is_made_by_the_next_tick(
    stack: Stack, rest: Rest, schedules: Schedules, beat: Beat
) -> None:
    at_ms = _second(now_ms() + TICK_MS)
    name = schedules.put(at=iso(at_ms))
    with LocalFunction(stack, "BeatFunction").configured(AWS_ENDPOINT_URL_SQS="http://127.0.0.1:1"):
        lines = beat.tick()
    assert [line["level"] for line in _said(lines, "slots were not sent", name)] == ["ERROR"]
    assert "BeatTicks" not in _metrics(lines)
    rest.get(f"/tasks/{task_id(name, at_ms)}").expect(404)

    assert _metrics(beat.tick())["BeatTicks"] == [1]
    found = finished(rest, task_id(name, at_ms))
    assert (found["status"], found["attempts"]) == ("SUCCESS", 1)
    assert from_iso(found["finished_at"]) >= at_ms


@pytest.mark.parametrize(
    "definition",
    ["{", "[]", '{"task": "notify_friends"}', '{"task": "gone", "interval_seconds": 1}'],
)
def test_a_broken_row_stops_no_other(
    rest: Rest, schedules: Schedules, beat: Beat, definition: str
) -> None:
    broken = schedules.put(interval_seconds=3_600)
    schedules.set_definition(broken, definition)
    at_ms = _second(now_ms() + 1_000)
    other = schedules.put(at=iso(at_ms))

    lines = beat.tick()

    assert _said(lines, "a schedule is broken", broken)
    assert _metrics(lines)["SchedulesBroken"] == [1]
    assert finished(rest, task_id(other, at_ms))["status"] == "SUCCESS"
    assert broken in {one["name"] for one in rest.get("/schedules").expect(200)["schedules"]}
    # It can be mended.
    schedules.change(broken, interval_seconds=3_600)
    assert schedules.get(broken)["interval_seconds"] == 3_600


def test_a_schedule_is_changed_paused_and_removed(
    rest: Rest, schedules: Schedules, beat: Beat
) -> None:
    crontab = {"crontab": "30 7 * * 1", "time_zone": "Europe/London", "misfire": "skip"}
    name = schedules.put(**crontab)
    assert {**crontab, "paused": False, "runs": 0}.items() <= schedules.get(name).items()

    schedules.change(name, interval_seconds=1, paused=True)
    beat.tick()
    shown = schedules.get(name)
    assert (shown["interval_seconds"], shown["runs"], shown["next_run"]) == (1, 0, None)
    assert "crontab" not in shown

    rest.delete(f"/schedules/{name}").expect(204)
    rest.get(f"/schedules/{name}").expect(404)
    rest.delete(f"/schedules/{name}").expect(404)
    assert name not in {one["name"] for one in rest.get("/schedules").expect(200)["schedules"]}


@pytest.mark.parametrize(
    ("changed", "wrong", "reason"),
    [
        ({"task": "no_such_task"}, "task", "there is no task of that name"),
        ({"task": None}, "task", "must be a text"),
        ({"interval_seconds": 0}, "interval_seconds", "must be from 1 to"),
        ({"interval_seconds": 1.5}, "interval_seconds", "must be a whole number"),
        ({"interval_seconds": None}, "interval_seconds", "exactly one of"),
        ({"crontab": "* * * * *"}, "crontab", "exactly one of"),
        ({"interval_seconds": None, "crontab": "61 * * * *"}, "crontab", "minute"),
        ({"interval_seconds": None, "crontab": "* * * *"}, "crontab", "five fields"),
        ({"interval_seconds": None, "crontab": "0 0 31 2 *"}, "crontab", "day-of-month"),
        (
            {"interval_seconds": None, "crontab": "0 0 * * *", "time_zone": "Mars/Base"},
            "time_zone",
            "is not a time zone",
        ),
        ({"time_zone": "Europe/London"}, "time_zone", "belongs to a crontab"),
        ({"interval_seconds": None, "at": "2020-01-01T00:00:00Z"}, "at", "will never be due"),
        ({"interval_seconds": None, "at": "2030-01-01T00:00:00"}, "at", "time zone"),
        ({"args": ["only one"]}, "args", "missing a required argument"),
        ({"args": "a"}, "args", "must be a list"),
        ({"kwargs": []}, "kwargs", "must be an object"),
        ({"misfire": "maybe"}, "misfire", "must be one of latest, all, skip"),
        ({"paused": "no"}, "paused", "must be true or false"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    rest: Rest, changed: dict[str, Any], wrong: str, reason: str
) -> None:
    good = {"task": "notify_friends", "args": ["user", "news"], "interval_seconds": 60}
    answer = rest.call("PUT", "/schedules/test-refused", {**good, **changed})
    assert answer.headers["Content-Type"] == "application/problem+json"
    (error,) = answer.expect(400)["errors"]
    assert error["field"] == wrong
    assert reason in error["reason"]
    rest.get("/schedules/test-refused").expect(404)


def test_a_name_that_makes_no_sense_is_refused(rest: Rest) -> None:
    body = {"task": "select_populate_book", "interval_seconds": 60}
    for name in ("a%20b", "a" * 129):
        (error,) = rest.call("PUT", f"/schedules/{name}", body).expect(400)["errors"]
        assert error["field"] == "name"
        assert "must be 1 to 128 of the characters" in error["reason"]


def test_the_alarm_looks_at_the_metric_that_a_tick_emits(stack: Stack, beat: Beat) -> None:
    alarm = alarm_of(stack, "BeatTicks")
    (emitted,) = [line for line in beat.tick() if "_aws" in line]
    assert looks_at(alarm, emitted)
    assert (alarm["TreatMissingData"], alarm["Period"]) == ("breaching", 300)


def _second(at_ms: int) -> int:
    return at_ms // 1000 * 1000


def _said(lines: Sequence[Line], message: str, name: str) -> list[Line]:
    """What was logged of a schedule."""
    return [one for one in lines if one.get("message") == message and one["schedule"] == name]


def _metrics(lines: Sequence[Line]) -> Line:
    """What the function emitted: the value or values of each metric."""
    (emitted,) = [line for line in lines if "_aws" in line]
    return {name: value for name, value in emitted.items() if isinstance(value, list)}
