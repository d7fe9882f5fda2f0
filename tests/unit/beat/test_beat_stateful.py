"""Ticks and workers in any order, with deaths, outages and clocks that differ: one run a slot."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from taskqueue.app import App
from taskqueue.aws.unprocessed import Patience
from taskqueue.beat.plan import task_id
from taskqueue.beat.row import Row
from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.tick import tick
from taskqueue.beat.timing import Interval, due
from taskqueue.context import Context
from taskqueue.errors import SendError, StoreError, Throttled
from taskqueue.sending.sender import Sender
from taskqueue.testing import InMemory
from tests.unit.beat.beats import NOW_MS
from tests.unit.beat.memory_rows import MemoryScheduleRows
from tests.unit.taskqueue.rig import Died, Fuse

SCHEDULES = [
    Schedule(f"every-{seconds}", name, Interval(seconds), misfire=Misfire.ALL)
    for name, seconds in (("note", 2), ("note", 7), ("other", 7), ("other", 60))
]
BAD = Schedule("bad", "note", Interval(30), args=({1},))
FAILING = {
    "enqueue": Throttled,
    "enqueue_many": StoreError,
    "send_message": SendError,
    "send_message_batch": SendError,
    "save_progress": StoreError,
}


class Beats(RuleBasedStateMachine):
    """Machines that tick, one after the other, and workers that run what was sent."""

    @initialize()
    def begin(self) -> None:
        self.ran: Counter[str] = Counter()
        self.early: list[str] = []
        app = App("beats", queue="notes")
        app.task(name="note", bind=True)(self.note)
        app.task(name="other", queue="others", bind=True)(self.note)
        self.tasks = app.tasks
        self.memory = InMemory(app, NOW_MS)
        self.rows = MemoryScheduleRows()
        self.fuse = Fuse()
        for schedule in (*SCHEDULES, BAD):
            self.rows.save(Row(schedule, NOW_MS))

    def note(self, run: Context) -> None:
        self.ran[run.id] += 1
        if run.now_ms() < (run.message.eta_ms or 0):
            self.early.append(run.id)

    @rule(seconds=st.integers(0, 150))
    def time_passes(self, seconds: int) -> None:
        self.memory.work(seconds)

    @rule(skew_ms=st.integers(-5_000, 5_000), long_ms=st.integers(0, 60_000))
    def a_machine_ticks(self, skew_ms: int, long_ms: int) -> None:
        self.tick(skew_ms, long_ms)

    @rule(calls=st.integers(0, 40), after=st.booleans())
    def a_machine_dies(self, calls: int, after: bool) -> None:
        at = len(self.fuse.calls) + calls
        if after:
            self.fuse.die_after = at
        else:
            self.fuse.die_before = at
        with contextlib.suppress(Died):
            self.tick(0, 60_000)
        self.fuse.mend()

    @rule(call=st.sampled_from(sorted(FAILING)), times=st.integers(1, 20))
    def aws_fails(self, call: str, times: int) -> None:
        self.fuse.errors = {call: [FAILING[call]() for _ in range(times)]}
        self.tick(0, 60_000)
        self.fuse.errors = {}

    @invariant()
    def none_runs_twice_or_early(self) -> None:
        assert not [task for task, runs in self.ran.items() if runs > 1]
        assert not self.early

    def teardown(self) -> None:
        """At last, each slot that the cursors are beyond has run."""
        while self.tick(0, 10**9):
            pass
        self.memory.work(200)
        expected = {
            task_id(schedule.name, slot_ms)
            for schedule in SCHEDULES
            for slot_ms in self.slots(schedule)
        }
        assert self.ran == Counter(expected)
        for schedule in SCHEDULES:
            assert self.rows.rows[schedule.name].sent == len(self.slots(schedule))
        assert self.rows.rows["bad"].cursor_ms > self.memory.now_ms() - 200_000

    def slots(self, schedule: Schedule) -> Sequence[int]:
        return due(schedule.timing, NOW_MS, self.rows.rows[schedule.name].cursor_ms)

    def tick(self, skew_ms: int, long_ms: int) -> int:
        """Tick on a machine whose clock differs so much; return how many slots were sent."""
        sender = Sender(
            cast(Any, self.fuse.wrap(self.memory.broker)),
            self.fuse.wrap(self.memory.store),
            self.memory.queues,
            patience=Patience(lambda _seconds: None),
        )
        now_ms = self.memory.now_ms() + skew_ms
        rows = self.fuse.wrap(self.rows)
        return tick(rows, sender, self.tasks, [], lambda: now_ms, now_ms + long_ms).sent


TestBeats = Beats.TestCase
TestBeats.settings = settings(max_examples=25, stateful_step_count=12)
