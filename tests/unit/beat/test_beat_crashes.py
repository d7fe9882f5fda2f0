"""A tick ends, or another one comes, before or after any call that it makes; no slot is lost."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.timing import Crontab, Interval, OneOff, due
from tests.unit.beat.beats import EVERY_100, MINUTE_MS, NOW_MS, Beat
from tests.unit.taskqueue.rig import Died, Fuse

LATE_MS = NOW_MS + 3 * MINUTE_MS
GOOD = (
    Schedule("second", "report", Interval(1), misfire=Misfire.ALL),
    Schedule("crontab", "report", Crontab("*/2 * * * *"), misfire=Misfire.ALL),
    Schedule("once", "select_populate_book", OneOff(NOW_MS + 90_000)),
    Schedule("harmless", "harmless", Interval(40), misfire=Misfire.ALL),
    replace(EVERY_100, misfire=Misfire.ALL),
)
BAD = Schedule("bad", "report", Interval(100), args=({1},), misfire=Misfire.ALL)
GONE = Schedule("gone", "report", Interval(5))


def scene() -> Beat:
    """Return a beat of which a schedule has been taken from the code."""
    beat = Beat([*GOOD, BAD, GONE])
    beat.at(NOW_MS, long_ms=0)
    beat.declared = [*GOOD, BAD]
    return beat


def check(beat: Beat) -> None:
    """Check that each slot up to the cursor was sent, and counted once."""
    assert beat.rows.rows.keys() == {one.name for one in (*GOOD, BAD)}
    slots = beat.all_slots()
    for schedule in GOOD:
        row = beat.rows.rows[schedule.name]
        assert row.cursor_ms >= LATE_MS
        expected = list(due(schedule.timing, NOW_MS, row.cursor_ms))
        assert (schedule.name, slots[schedule.name]) == (schedule.name, expected)
        assert row.sent == len(expected)
    assert "bad" not in slots
    assert beat.rows.rows["bad"].cursor_ms >= LATE_MS


def calls_of_a_tick() -> int:
    beat = scene()
    before = len(beat.fuse.calls)
    beat.at(LATE_MS)
    check(beat)
    return len(beat.fuse.calls) - before


CALLS = calls_of_a_tick()


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
@pytest.mark.parametrize("call", range(CALLS))
def test_a_tick_dies(moment: str, call: int) -> None:
    beat = scene()
    beat.now_ms = LATE_MS
    setattr(beat.fuse, moment, len(beat.fuse.calls) + call)
    with pytest.raises(Died):
        beat.tick(LATE_MS + MINUTE_MS)
    beat.at(LATE_MS + 5_000)
    check(beat)


@pytest.mark.parametrize("skew_ms", [-10_000, 10_000])
@pytest.mark.parametrize("call", range(CALLS))
def test_another_machine_ticks_meanwhile(call: int, skew_ms: int) -> None:
    beat = scene()
    beat.now_ms = LATE_MS
    beat.fuse = Meanwhile(call, lambda: beat.tick(LATE_MS + MINUTE_MS), beat, skew_ms)
    beat.tick(LATE_MS + MINUTE_MS)
    beat.fuse = Fuse()
    beat.at(LATE_MS + 15_000)
    check(beat)


class Meanwhile(Fuse):
    """Before a call, lets another machine, whose clock goes differently, tick from start to end."""

    def __init__(self, at: int, other: Callable[[], Any], beat: Beat, skew_ms: int) -> None:
        super().__init__()
        self._at = at
        self._other = other
        self._beat = beat
        self._skew_ms = skew_ms

    def call(self, name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        if len(self.calls) == self._at:
            self._at = -1
            self._beat.now_ms += self._skew_ms
            self._other()
            self._beat.now_ms -= self._skew_ms
        return super().call(name, method, *args, **kwargs)
