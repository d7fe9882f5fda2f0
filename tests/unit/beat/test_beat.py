"""Beat: every slot once, whatever becomes of the ticks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.app import App
from taskqueue.beat.plan import HORIZON_MS, MAX_LATE, message, plan, task_id
from taskqueue.beat.row import BrokenRow, Row, declare, put, runs
from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.tick import Tick, tick
from taskqueue.beat.timing import Crontab, Interval, OneOff, due
from taskqueue.errors import SendError
from taskqueue.message import Message
from taskqueue.records.store import Enqueued
from taskqueue.task import AnyTask
from tests.unit.beat.memory_rows import MemoryScheduleRows

NOW_MS = 1_790_000_000_000
MINUTE_MS = 60_000
EVERY_100 = Schedule("books", "select_populate_book", Interval(100))
app = App("books", queue="rankings")


def select_populate_book() -> None: ...


app.task(expires=30)(select_populate_book)


@dataclass
class Sent:
    """Takes messages as a `Sender` does; refuses those of a task while it is in `down`."""

    messages: dict[str, Message] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    fails_after: int | None = None

    def send(self, message: Message, now_ms: int) -> Enqueued:
        if message.id.split("@")[0] in self.down or len(self.calls) == self.fails_after:
            raise SendError
        self.calls.append(message.id)
        known = message.id in self.messages
        self.messages.setdefault(message.id, message)
        return Enqueued.WAITING if known else Enqueued.NEW

    def slots(self, name: str = "books") -> list[int]:
        ids = {id: one for id, one in self.messages.items() if id.startswith(f"{name}@")}
        assert all(id == task_id(name, one.eta_ms or 0) for id, one in ids.items())
        return sorted(one.eta_ms or 0 for one in ids.values())


@dataclass
class Beat:
    """A beat, its table and its queue; `at` runs a tick."""

    declared: Sequence[Schedule] = (EVERY_100,)
    store: MemoryScheduleRows = field(default_factory=MemoryScheduleRows)
    sent: Sent = field(default_factory=Sent)

    def at(self, now_ms: int) -> Tick:
        return tick(self.store, self.sent, app.tasks, self.declared, lambda: now_ms)


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
    task: AnyTask = app.tasks["select_populate_book"]
    sent = message(EVERY_100, task, NOW_MS + 5_000, NOW_MS)
    assert (sent.eta_ms, sent.expires_at_ms) == (NOW_MS + 5_000, NOW_MS + 35_000)
    late = message(EVERY_100, task, NOW_MS - 5_000, NOW_MS)
    assert (late.eta_ms, late.expires_at_ms) == (NOW_MS - 5_000, NOW_MS + 30_000)


@settings(deadline=None)
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
    row = beat.store.rows["books"]
    expected = list(due(Interval(seconds), NOW_MS, row.cursor_ms))
    assert beat.sent.slots() == expected
    assert row.sent == len(expected)


@settings(deadline=None)
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
        stale = MemoryScheduleRows(dict(beat.store.rows))
        beat.at(now_ms)
        # The second beat has read the rows before the first wrote them.
        other = Beat(beat.declared, Stale(beat.store, stale), beat.sent)
        other.at(now_ms + skew_ms)
    row = beat.store.rows["books"]
    assert set(due(Interval(7), NOW_MS, row.cursor_ms)) <= set(beat.sent.slots())
    beat.at(now_ms + 10_000)
    row = beat.store.rows["books"]
    assert beat.sent.slots() == list(due(Interval(7), NOW_MS, row.cursor_ms))
    assert row.sent == len(beat.sent.slots())


@dataclass
class Stale(MemoryScheduleRows):
    """Reads what the rows were, writes to what they are."""

    def __init__(self, now: MemoryScheduleRows, before: MemoryScheduleRows) -> None:
        super().__init__(now.rows)
        self._before = before

    def list(self) -> "list[Row | BrokenRow]":
        return self._before.list()


@given(st.integers(0, 20))
def test_a_failed_send_is_made_again_by_the_next_tick(fails_after: int) -> None:
    beat = Beat([replace(EVERY_100, timing=Interval(10))])
    beat.sent.fails_after = fails_after
    first = beat.at(NOW_MS)
    assert bool(first.failed) == (fails_after < 12)
    beat.sent.fails_after = None
    assert beat.at(NOW_MS + 5_000).failed == {}
    row = beat.store.rows["books"]
    assert beat.sent.slots() == list(due(Interval(10), NOW_MS, row.cursor_ms))
    assert row.sent == len(beat.sent.slots())


def test_each_send_is_told_the_time_it_is_made_at() -> None:
    sent, times = Sent(), iter(range(NOW_MS, NOW_MS + 10_000, 100))
    at_ms: list[int] = []
    take = sent.send

    def send(message: Message, now_ms: int) -> Enqueued:
        at_ms.append(now_ms)
        return take(message, now_ms)

    vars(sent)["send"] = send
    every_20 = replace(EVERY_100, timing=Interval(20))
    tick(MemoryScheduleRows(), sent, app.tasks, [every_20], lambda: next(times))
    assert at_ms == list(range(NOW_MS + 200, NOW_MS + 800, 100))


def test_one_bad_row_does_not_stop_the_others() -> None:
    beat = Beat(
        [EVERY_100, replace(EVERY_100, name="a", task="gone"), replace(EVERY_100, name="b")]
    )
    beat.store.broken.append(BrokenRow("c", "unreadable"))
    beat.sent.down = {"b"}
    done = beat.at(NOW_MS)
    assert done.broken == {"a": "task: there is no task of that name", "c": "unreadable"}
    assert done.failed.keys() == {"b"}
    assert (done.sent, beat.sent.slots("books")) == (1, [NOW_MS + 100_000])


def test_a_row_that_cannot_be_planned_does_not_stop_the_others() -> None:
    beat = Beat()
    bad = replace(EVERY_100, name="bad", timing=Crontab("nonsense"))
    beat.store.rows["bad"] = Row(bad, NOW_MS)
    assert beat.at(NOW_MS).broken == {"bad": "CronSimError"}
    assert beat.sent.slots() == [NOW_MS + 100_000]


@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_an_outage_is_told_and_the_latest_slot_runs_once(minutes: int) -> None:
    beat = Beat()
    beat.at(NOW_MS)
    back_ms = NOW_MS + HORIZON_MS + minutes * MINUTE_MS + 40_000
    done = beat.at(back_ms)
    late = list(due(Interval(100), NOW_MS + HORIZON_MS, back_ms))
    assert late
    assert done.missed["books"].count == len(late)
    assert beat.sent.slots() == [
        NOW_MS + 100_000,
        late[-1],
        *due(Interval(100), back_ms, back_ms + HORIZON_MS),
    ]


def test_a_one_off_runs_once_and_has_no_next_run() -> None:
    beat = Beat([])
    beat.store.save(put(None, replace(EVERY_100, timing=OneOff(NOW_MS + 30_000)), NOW_MS))
    for minute in range(5):
        beat.at(NOW_MS + minute * MINUTE_MS)
    done = runs(beat.store.rows["books"], NOW_MS + 5 * MINUTE_MS)
    assert beat.sent.slots() == [NOW_MS + 30_000]
    assert (done.count, done.last_ms, done.next_ms) == (1, NOW_MS + 30_000, None)


@given(st.integers(0, 3_000), st.integers(1, 300))
def test_runs_are_those_whose_slot_has_come(seconds_later: int, interval: int) -> None:
    beat = Beat([replace(EVERY_100, timing=Interval(interval))])
    now_ms = NOW_MS + seconds_later * 1000
    for at_ms in range(NOW_MS, now_ms + 1, MINUTE_MS):
        beat.at(at_ms)
    done = runs(beat.store.rows["books"], now_ms)
    come = list(due(Interval(interval), NOW_MS, now_ms))
    assert done.count == len(come)
    assert done.last_ms == (come[-1] if come else None)
    assert done.next_ms == due(Interval(interval), now_ms, now_ms + 10**6)[0]


def test_a_new_timing_begins_where_the_old_was_sent_to() -> None:
    beat = Beat([])
    beat.store.save(put(None, EVERY_100, NOW_MS))
    beat.at(NOW_MS)
    row = put(beat.store.rows["books"], replace(EVERY_100, timing=Interval(30)), NOW_MS)
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
    assert beat.store.rows == {}
    assert len(beat.sent.messages) == 1


def test_a_removed_schedule_that_stands_in_code_stays_removed() -> None:
    beat = Beat()
    beat.at(NOW_MS)
    row = beat.store.rows["books"]
    beat.store.save(replace(row, removed=True))
    done = beat.at(NOW_MS + 60 * MINUTE_MS)
    assert (done.sent, len(beat.sent.messages)) == (0, 1)


def test_a_store_that_fails_on_one_row_does_not_stop_the_others() -> None:
    beat = Beat([EVERY_100, replace(EVERY_100, name="other")])
    beat.at(NOW_MS)
    save: Callable[[Row], bool] = beat.store.save

    def failing(row: Row) -> bool:
        if row.schedule.name == "books":
            raise SendError
        return save(row)

    vars(beat.store)["save"] = failing
    done = beat.at(NOW_MS + 2 * MINUTE_MS)
    assert done.failed.keys() == {"books"}
    assert len(beat.sent.slots("other")) == len(beat.sent.slots("books")) == 2
