"""Schedules: what is refused, with the field and the reason, and what is read and written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.beat.schedule import (
    InvalidSchedule,
    Misfire,
    Schedule,
    Sending,
    check,
    definition,
    parse,
)
from taskqueue.beat.timing import Crontab, Interval, OneOff

NOW_MS = 1_790_000_000_000
RANKING = {"task": "select_populate_book", "interval_seconds": 100}


def test_an_interval_is_read() -> None:
    expected = Schedule("books", "select_populate_book", Interval(100))
    assert parse("books", RANKING) == expected


def test_every_field_is_read() -> None:
    schedule = parse(
        "report",
        {
            "task": "report",
            "crontab": "30  7 * * 1",
            "time_zone": "Europe/London",
            "args": ["80"],
            "kwargs": {"long": True},
            "misfire": "skip",
            "paused": True,
        },
    )
    assert schedule == Schedule(
        "report",
        "report",
        Crontab("30 7 * * 1", "Europe/London"),
        ("80",),
        {"long": True},
        Misfire.SKIP,
        paused=True,
    )


def test_a_one_off_is_read() -> None:
    schedule = parse("remind", {"task": "remind", "at": "2027-01-01T09:00:00+01:00"})
    assert schedule.timing == OneOff(1_798_790_400_000)


def test_the_last_time_there_is_is_read_and_written() -> None:
    schedule = parse("remind", {"task": "remind", "at": "9999-12-31T23:59:59.999999Z"})
    check(schedule, {"remind"}, NOW_MS)
    assert definition(schedule)["at"] == "9999-12-31T23:59:59.999000+00:00"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"interval_seconds": 0}, "interval_seconds", "from 1 to"),
        ({"interval_seconds": -5}, "interval_seconds", "from 1 to"),
        ({"interval_seconds": 1.5}, "interval_seconds", "whole number"),
        ({"interval_seconds": True}, "interval_seconds", "whole number"),
        ({"interval_seconds": 10**12}, "interval_seconds", "from 1 to"),
        ({"interval_seconds": None}, "interval_seconds", "exactly one of"),
        ({"crontab": "* * * * *"}, "crontab", "exactly one of"),
        ({"time_zone": "UTC"}, "time_zone", "crontab only"),
        ({"task": ""}, "task", "not empty"),
        ({"task": 5}, "task", "not empty"),
        ({"args": "80"}, "args", "a list"),
        ({"sending": {"queue": ""}}, "queue", "not empty"),
        ({"sending": {"queue": "orders", "eta": 1}}, "sending", "no other fields"),
        ({"sending": {"queue": "orders", "expires_seconds": "1"}}, "expires_seconds", "a number"),
        ({"sending": {"queue": "orders", "countdown_seconds": -1}}, "countdown_seconds", "from 0"),
        ({"args": ["x" * 100_000]}, "args", "at most"),
        ({"kwargs": []}, "kwargs", "an object"),
        ({"paused": "yes"}, "paused", "true or false"),
        ({"misfire": "never"}, "misfire", "latest, all, skip"),
        ({"misfire": ""}, "misfire", "latest, all, skip"),
        ({"misfire": []}, "misfire", "latest, all, skip"),
        ({"colour": "red"}, "colour", "not a field"),
    ],
)
def test_a_bad_field_is_named_with_its_reason(
    change: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse("books", RANKING | change)
    assert caught.value.field == field
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"crontab": "60 * * * *"}, "crontab", "bad minute"),
        ({"crontab": "* 24 * * *"}, "crontab", "bad hour"),
        ({"crontab": "* * 0 * *"}, "crontab", "bad day-of-month"),
        ({"crontab": "* * * 13 *"}, "crontab", "bad month"),
        ({"crontab": "* * * * 8"}, "crontab", "bad day-of-week"),
        ({"crontab": "*/0 * * * *"}, "crontab", "bad minute"),
        ({"crontab": "* * * *"}, "crontab", "five fields"),
        ({"crontab": "* * * * * *"}, "crontab", "five fields"),
        ({"crontab": "💥 * * * *"}, "crontab", "bad minute"),
        ({"crontab": 5}, "crontab", "text"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "IANA"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "IANA"),
        ({"time_zone": "America"}, "time_zone", "IANA"),
        ({"time_zone": "\0"}, "time_zone", "IANA"),
        ({"crontab": None, "at": "tomorrow"}, "at", "ISO 8601"),
        ({"crontab": None, "at": "2027-01-01T09:00:00"}, "at", "time zone"),
        ({"crontab": None, "at": "2027-01-01"}, "at", "time zone"),
        ({"crontab": None, "at": "9999-12-31T23:59:59-14:00"}, "at", "ISO 8601"),
        ({"crontab": None, "at": 5}, "at", "text"),
    ],
)
def test_a_time_that_makes_no_sense_is_named(
    change: dict[str, Any], field: str, reason: str
) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse("books", {"task": "report", "crontab": "* * * * *"} | change)
    assert caught.value.field == field
    assert reason in caught.value.reason


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é", "x" * 129, "a\n"])
def test_a_name_that_is_no_id_is_refused(name: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        parse(name, RANKING)
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"crontab": "0 0 30 2 *"}, "crontab"),
        ({"crontab": "0 0 31 4,6 *"}, "crontab"),
        ({"crontab": "0 0 30 2 1"}, "crontab"),
        ({"at": "2020-01-01T00:00:00Z"}, "at"),
    ],
)
def test_a_schedule_that_can_never_fire_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSchedule) as caught:
        check(parse("report", {"task": "report", **fields}), {"report"}, NOW_MS)
    assert caught.value.field == field


def test_a_schedule_for_an_unknown_task_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="task: there is no task of that name"):
        check(parse("report", {"task": "report", "interval_seconds": 1}), {"other"}, NOW_MS)


def test_a_schedule_of_a_celery_app_is_not_set_by_the_api() -> None:
    given = {"task": "report", "interval_seconds": 1, "sending": {"queue": "orders"}}
    with pytest.raises(InvalidSchedule, match="sending: is only of schedules that stand in"):
        check(parse("report", given), {"report"}, NOW_MS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.builds(
        Schedule,
        name=st.from_regex(r"[a-z.-]{1,20}", fullmatch=True),
        task=st.text(min_size=1),
        timing=st.builds(Interval, st.integers(1, 10_000))
        | st.builds(OneOff, st.integers(0, 10**13))
        | st.just(Crontab("*/5 8-18 * * 1-5", "Asia/Tokyo")),
        args=st.lists(json_values).map(tuple),
        kwargs=st.dictionaries(st.text(), json_values),
        misfire=st.sampled_from(Misfire),
        paused=st.booleans(),
        sending=st.none()
        | st.builds(
            Sending,
            queue=st.text(min_size=1),
            expires_seconds=st.none() | st.floats(0, 10_000),
            countdown_seconds=st.integers(0, 10_000),
        ),
    )
)
def test_what_is_written_is_read_back(schedule: Schedule) -> None:
    assert parse(schedule.name, definition(schedule)) == schedule


@given(st.dictionaries(st.sampled_from([*RANKING, "crontab", "at", "misfire"]), json_values))
def test_no_definition_is_an_unexpected_error(fields: dict[str, Any]) -> None:
    try:
        schedule = parse("books", fields)
    except InvalidSchedule:
        return
    assert schedule.name == "books"
