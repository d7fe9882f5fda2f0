"""Beat: every slot once, whatever becomes of the ticks."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.beat.plan import HORIZON_MS, MAX_LATE, message, plan, sending_of, task_id
from taskqueue.beat.row import BrokenRow, Row, declare, put, runs
from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.timing import Crontab, Interval, OneOff, due
from taskqueue.message import decode
from tests.unit.beat.beats import EVERY_100, MINUTE_MS, NOW_MS, Beat, Stale, app
from tests.unit.beat.memory_rows import MemoryScheduleRows


def test_a_tick_plans_two_minutes_ahead() -> None:
    assert list(plan(EVERY_100, NOW_MS, NOW_MS).slots) == [NOW_MS + 100_000]
    assert plan(EVERY_100, NOW_MS, NOW_MS).cursor_ms == NOW_MS + HORIZON_MS


def test_a_paused_schedule_plans_nothing() -> None:
    paused = replace(EVERY_100, paused=True)
    assert list(plan(paused, NOW_MS - 10**7, NOW_MS).slots) == []


@pytest.mark.parametrize("minutes", [1, 5, 60])
@pytest.mark.parametrize("misfire", Misfire)
def test_missed_slots_are_treated_as_the_policy_says(minutes: int, misfire: Misfire) -> None:
    cursor_ms = NOW_MS - minutes * MINUTE_MS
    schedule = replace(EVERY_100, timing=Interval(20), misfire=misfire)
    past = list(range(cursor_ms + 20_000, NOW_MS + 1, 20_000))
    late = {Misfire.LATEST: past[-1:], Misfire.ALL: past, Misfire.SKIP: []}[misfire]
    todo = plan(schedule, cursor_ms, NOW_MS)
    ahead = list(range(NOW_MS + 20_000, NOW_MS + HORIZON_MS + 1, 20_000))
    assert list(todo.slots) == late + ahead
    assert todo.missed is not None
    assert (todo.missed.count, todo.missed.first_ms, todo.missed.last_ms) == (
        len(past),
        past[0],
        past[-1],
    )


def test_very_many_missed_slots_are_made_up_for_in_several_ticks() -> None:
    schedule = replace(EVERY_100, timing=Interval(1), misfire=Misfire.ALL)
    cursor_ms, got = NOW_MS - 60 * MINUTE_MS, list[int]()
    while cursor_ms < NOW_MS + HORIZON_MS:
        todo = plan(schedule, cursor_ms, NOW_MS)
        assert len(todo.slots) <= MAX_LATE + HORIZON_MS // 1000
        got += todo.slots
        cursor_ms = todo.cursor_ms
    assert got == list(range(NOW_MS - 60 * MINUTE_MS + 1000, NOW_MS + HORIZON_MS + 1, 1000))


def test_an_id_says_schedule_and_slot() -> None:
    assert task_id("books", NOW_MS) == "books@2026-09-21T14:13:20Z"


def test_a_message_carries_its_slot_and_expires_after_it() -> None:
    sending = sending_of(EVERY_100, app.tasks)
    sent = message(EVERY_100, sending, NOW_MS + 5_000, NOW_MS)
    assert (sent.eta_ms, sent.expires_at_ms) == (NOW_MS + 5_000, NOW_MS + 35_000)
    late = message(EVERY_100, sending, NOW_MS - 5_000, NOW_MS)
    assert (late.eta_ms, late.expires_at_ms) == (NOW_MS - 5_000, NOW_MS + 30_000)


@given(
    st.lists(st.integers(-5_000, 119_000), min_size=1, max_size=12),
    st.integers(1, 200),
)
def test_every_slot_is_sent_once_however_the_ticks_come(steps_ms: list[int], seconds: int) -> None:
    """Ticks repeated, late, and of machines whose clocks are seconds apart."""
    beat = Beat([replace(EVERY_100, timing=Interval(seconds))])
    beat.at(NOW_MS)
    now_ms = NOW_MS
    for step_ms in steps_ms:
        now_ms += step_ms
        beat.at(now_ms)
    row = beat.rows.rows["books"]
    expected = list(due(Interval(seconds), NOW_MS, row.cursor_ms))
    assert beat.slots() == expected
    assert row.sent == len(expected)


@given(st.lists(st.integers(0, 119_000), min_size=2, max_size=8), st.data())
def test_two_beats_at_once_send_the_same_ids_and_count_them_once(
    steps_ms: list[int], data: st.DataObject
) -> None:
    beat = Beat([replace(EVERY_100, timing=Interval(7))])
    beat.at(NOW_MS)
    now_ms = NOW_MS
    for step_ms in steps_ms:
        now_ms += step_ms
        skew_ms = data.draw(st.integers(-3_000, 3_000))
        before = MemoryScheduleRows(dict(beat.rows.rows))
        beat.at(now_ms)
        # The second beat has read the rows before the first wrote them.
        beat.at(now_ms + skew_ms, rows=Stale(beat.rows, before))
    row = beat.rows.rows["books"]
    assert set(due(Interval(7), NOW_MS, row.cursor_ms)) <= set(beat.slots())
    beat.at(now_ms + 10_000)
    row = beat.rows.rows["books"]
    assert beat.slots() == list(due(Interval(7), NOW_MS, row.cursor_ms))
    assert row.sent == len(beat.slots())


def test_each_batch_is_told_the_time_it_is_sent_at() -> None:
    beat = Beat([replace(EVERY_100, name=f"s{n}", timing=Interval(1)) for n in range(3)])
    beat.request_ms = 100
    beat.at(NOW_MS)
    now_ms = 0
    for stored in beat.broker.messages(beat.queues["rankings"].url):
        assert stored.sent_at_ms >= now_ms
        now_ms = stored.sent_at_ms
        eta_ms = decode(stored.body).eta_ms or 0
        left_ms = max(eta_ms - stored.sent_at_ms - 1_000, 0)
        assert 0 <= left_ms - (stored.visible_at_ms - stored.sent_at_ms) <= 2_000


def test_one_bad_row_does_not_stop_the_others() -> None:
    beat = Beat([EVERY_100, replace(EVERY_100, name="a", task="gone")])
    beat.rows.broken.append(BrokenRow("c", "unreadable"))
    done = beat.at(NOW_MS)
    assert done.broken == {"a": "task: there is no task of that name", "c": "unreadable"}
    assert (done.sent, beat.slots("books")) == (1, [NOW_MS + 100_000])


def test_a_row_that_cannot_be_planned_does_not_stop_the_others() -> None:
    beat = Beat()
    bad = replace(EVERY_100, name="bad", timing=Crontab("nonsense"))
    beat.rows.rows["bad"] = Row(bad, NOW_MS)
    assert beat.at(NOW_MS).broken == {"bad": "CronSimError"}
    assert beat.slots() == [NOW_MS + 100_000]


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_an_outage_is_told_and_the_latest_slot_runs_once(minutes: int) -> None:
    beat = Beat()
    beat.at(NOW_MS)
    back_ms = NOW_MS + HORIZON_MS + minutes * MINUTE_MS + 40_000
    done = beat.at(back_ms)
    late = list(due(Interval(100), NOW_MS + HORIZON_MS, back_ms))
    assert late
    assert done.missed["books"].count == len(late)
    assert beat.slots() == [
        NOW_MS + 100_000,
        late[-1],
        *due(Interval(100), back_ms, back_ms + HORIZON_MS),
    ]


def test_a_one_off_runs_once_and_has_no_next_run() -> None:
    beat = Beat([])
    beat.rows.save(put(None, replace(EVERY_100, timing=OneOff(NOW_MS + 30_000)), NOW_MS))
    for minute in range(5):
        beat.at(NOW_MS + minute * MINUTE_MS)
    done = runs(beat.rows.rows["books"], NOW_MS + 5 * MINUTE_MS)
    assert beat.slots() == [NOW_MS + 30_000]
    assert (done.count, done.last_ms, done.next_ms) == (1, NOW_MS + 30_000, None)


@settings(max_examples=30)
@given(st.integers(0, 3_000), st.integers(1, 300))
def test_runs_are_those_whose_slot_has_come(seconds_later: int, interval: int) -> None:
    beat = Beat([replace(EVERY_100, timing=Interval(interval))])
    now_ms = NOW_MS + seconds_later * 1000
    for at_ms in range(NOW_MS, now_ms + 1, MINUTE_MS):
        beat.at(at_ms)
    done = runs(beat.rows.rows["books"], now_ms)
    come = list(due(Interval(interval), NOW_MS, now_ms))
    assert done.count == len(come)
    assert done.last_ms == (come[-1] if come else None)
    assert done.next_ms == due(Interval(interval), now_ms, now_ms + 10**6)[0]


def test_a_new_timing_begins_where_the_old_was_sent_to() -> None:
    beat = Beat([])
    beat.rows.save(put(None, EVERY_100, NOW_MS))
    beat.at(NOW_MS)
    row = put(beat.rows.rows["books"], replace(EVERY_100, timing=Interval(30)), NOW_MS)
    assert row.cursor_ms == NOW_MS + HORIZON_MS
    assert runs(row, NOW_MS).next_ms == NOW_MS + 100_000


def test_a_schedule_that_rested_has_missed_nothing() -> None:
    row = put(None, replace(EVERY_100, paused=True), NOW_MS)
    assert runs(row, NOW_MS).next_ms is None
    row = put(row, EVERY_100, NOW_MS + 10**7)
    assert plan(row.schedule, row.cursor_ms, NOW_MS + 10**7).missed is None


def test_an_outage_is_not_forgotten_by_a_change_that_leaves_the_timing() -> None:
    row = put(put(None, EVERY_100, NOW_MS), replace(EVERY_100, args=("x",)), NOW_MS + 10**7)
    assert row.cursor_ms == NOW_MS


def test_the_code_changes_its_own_rows_and_leaves_those_of_the_api() -> None:
    faster = replace(EVERY_100, timing=Interval(10))
    own = Row(EVERY_100, NOW_MS, declared=True)
    cases: list[tuple[dict[str, Row], list[Schedule], dict[str, Row | None]]] = [
        ({}, [EVERY_100], {"books": own}),
        ({"books": own}, [EVERY_100], {}),
        ({"books": own}, [faster], {"books": replace(own, schedule=faster)}),
        ({"books": own}, [], {"books": None}),
        ({"books": replace(own, changed=True)}, [faster], {}),
        ({"books": replace(own, changed=True)}, [], {}),
        ({"books": replace(own, removed=True)}, [EVERY_100], {}),
        ({"books": replace(own, removed=True)}, [], {"books": None}),
        ({"books": Row(faster, NOW_MS)}, [EVERY_100], {}),
    ]
    for rows, schedules, writes in cases:
        assert declare(rows, schedules, NOW_MS) == writes


def test_a_schedule_removed_from_the_code_sends_no_more() -> None:
    beat = Beat()
    beat.at(NOW_MS)
    beat.declared = ()
    beat.at(NOW_MS + MINUTE_MS)
    assert beat.rows.rows == {}
    assert len(beat.messages()) == 1


def test_a_removed_schedule_that_stands_in_code_stays_removed() -> None:
    beat = Beat()
    beat.at(NOW_MS)
    row = beat.rows.rows["books"]
    beat.rows.save(replace(row, removed=True))
    done = beat.at(NOW_MS + 60 * MINUTE_MS)
    assert (done.sent, len(beat.messages())) == (0, 1)
