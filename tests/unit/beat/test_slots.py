"""Slots: absolute, the same whoever computes them, right across daylight saving."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.beat.timing import (
    DAY_MS,
    Crontab,
    Interval,
    OneOff,
    Timing,
    due,
    latest_slot,
    next_slot,
)

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z

# Any time of the year, and more often one about the days on which clocks are changed.
CHANGES_MS = (1_774_746_000_000, 1_792_890_000_000, 1_775_314_800_000, 1_776_981_600_000)
times_ms = st.integers(START_MS, START_MS + 365 * DAY_MS) | st.builds(
    int.__add__, st.sampled_from(CHANGES_MS), st.integers(-DAY_MS, DAY_MS)
)
# Zones that change their clocks by an hour, by half an hour, at midnight, and never.
zones = st.sampled_from(
    ("UTC", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo")
)
EXPRESSIONS = """
* * * * *
*/15 * * * *
0 * * * *
30 1 * * *
30 2 * * *
0 0 * * *
15 1-3 * * *
0 */2 * * *
45 23 1 * *
0 7 * * 1-5
0 0 1-7 * MON
""".strip().splitlines()
expressions = st.sampled_from(EXPRESSIONS)
timings: st.SearchStrategy[Timing] = st.one_of(
    st.builds(Interval, st.integers(60, 100_000)),
    st.builds(Crontab, expressions, zones),
    st.builds(OneOff, times_ms),
)


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def local(slots: object, zone: str) -> list[str]:
    assert isinstance(slots, tuple)
    return [datetime.fromtimestamp(s / 1000, ZoneInfo(zone)).isoformat() for s in slots]


def test_an_interval_is_due_at_every_multiple_since_the_epoch() -> None:
    assert list(due(Interval(100), 150_000, 400_000)) == [200_000, 300_000, 400_000]


def test_a_slot_at_the_start_of_the_span_is_not_in_it_and_one_at_the_end_is() -> None:
    assert list(due(Interval(100), 200_000, 300_000)) == [300_000]
    assert due(OneOff(5), 5, 9) == ()
    assert due(OneOff(5), 4, 5) == (5,)


def test_a_limit_takes_the_first() -> None:
    assert list(due(Interval(1), 0, 10**12, 3)) == [1000, 2000, 3000]
    assert len(due(Crontab("* * * * *"), START_MS, START_MS + DAY_MS, 7)) == 7


def test_a_crontab_goes_by_its_zone() -> None:
    day = due(Crontab("30 7 * * *", "Asia/Kolkata"), START_MS, START_MS + DAY_MS)
    assert local(day, "UTC") == ["2026-01-01T02:00:00+00:00"]


def test_a_time_that_the_clocks_skip_runs_right_after_the_skip() -> None:
    # London, 2026-03-29: 01:00 to 02:00 does not exist.
    slots = due(
        Crontab("30 1 * * *", "Europe/London"), ms("2026-03-28T12:00"), ms("2026-03-30T12:00")
    )
    assert local(slots, "Europe/London") == [
        "2026-03-29T02:00:00+01:00",
        "2026-03-30T01:30:00+01:00",
    ]


def test_a_time_that_the_clocks_repeat_runs_once() -> None:
    # London, 2026-10-25: 01:00 to 02:00 comes twice.
    slots = due(
        Crontab("30 1 * * *", "Europe/London"), ms("2026-10-24T12:00"), ms("2026-10-26T12:00")
    )
    assert local(slots, "Europe/London") == [
        "2026-10-25T01:30:00+01:00",
        "2026-10-26T01:30:00+00:00",
    ]


def test_what_runs_hourly_goes_by_real_time_through_the_repeated_hour() -> None:
    slots = due(
        Crontab("0 * * * *", "Europe/London"), ms("2026-10-24T23:30"), ms("2026-10-25T03:30")
    )
    assert [b - a for a, b in pairwise(slots)] == [3_600_000] * 3


def test_a_day_must_fit_both_day_fields_as_celery_documents() -> None:
    slots = due(Crontab("0 0 1-7 * 1"), ms("2026-01-01T00:00"), ms("2026-03-31T00:00"))
    assert local(slots, "UTC") == [
        "2026-01-05T00:00:00+00:00",
        "2026-02-02T00:00:00+00:00",
        "2026-03-02T00:00:00+00:00",
    ]


def test_a_day_that_never_comes_has_no_next_slot() -> None:
    assert next_slot(Crontab("0 0 30 2 1"), START_MS) is None
    assert next_slot(OneOff(START_MS), START_MS) is None


def test_a_leap_day_has_a_next_slot() -> None:
    assert next_slot(Crontab("0 0 29 2 *"), START_MS) == ms("2028-02-29T00:00")


@settings(max_examples=60)
@given(timings, times_ms, st.integers(0, 3 * DAY_MS), st.integers(0, 3 * DAY_MS))
def test_a_span_has_the_slots_of_its_two_halves(
    timing: Timing, start_ms: int, first_ms: int, second_ms: int
) -> None:
    middle_ms, end_ms = start_ms + first_ms, start_ms + first_ms + second_ms
    halves = [*due(timing, start_ms, middle_ms), *due(timing, middle_ms, end_ms)]
    assert halves == list(due(timing, start_ms, end_ms))


@settings(max_examples=60)
@given(timings, times_ms, st.integers(0, 3 * DAY_MS))
def test_slots_are_in_order_and_in_their_span(
    timing: Timing, start_ms: int, length_ms: int
) -> None:
    slots = list(due(timing, start_ms, start_ms + length_ms))
    assert slots == sorted(set(slots))
    assert all(start_ms < slot <= start_ms + length_ms for slot in slots)


@settings(max_examples=60)
@given(timings, times_ms, st.integers(0, 3 * DAY_MS))
def test_next_and_latest_are_the_ends_of_a_span(
    timing: Timing, start_ms: int, length_ms: int
) -> None:
    slots = list(due(timing, start_ms, start_ms + length_ms))
    assert latest_slot(timing, start_ms, start_ms + length_ms) == (slots[-1] if slots else None)
    if slots:
        assert next_slot(timing, start_ms) == slots[0]


@pytest.mark.parametrize("years", [1, 10])
def test_the_latest_slot_of_a_long_outage_is_found(years: int) -> None:
    until_ms = START_MS + years * 365 * DAY_MS
    assert latest_slot(Crontab("* * * * *"), START_MS, until_ms) == until_ms
    assert latest_slot(Crontab("0 0 1 1 *"), START_MS, START_MS + 360 * DAY_MS) is None
