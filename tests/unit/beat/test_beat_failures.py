"""Beat: what cannot be sent, now or ever, delays nothing else, and is told."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from taskqueue.beat.plan import HORIZON_MS, task_id
from taskqueue.beat.row import Row
from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.timing import Interval, due
from taskqueue.errors import StoreError, Throttled
from taskqueue.message import MAX_BYTES, Message
from tests.unit.beat.beats import EVERY_100, MINUTE_MS, NOW_MS, Beat

EVERY_10 = Interval(10)
GOOD = Schedule("good", "report", EVERY_10)
SLOTS = list(due(EVERY_10, NOW_MS, NOW_MS + HORIZON_MS))


def many(number: int, **fields: Any) -> list[Schedule]:
    return [replace(GOOD, name=f"many{index:04}", **fields) for index in range(number)]


def refuse(beat: Beat, beginning: str) -> None:
    """Let the database refuse the records whose ids begin so."""
    enqueue, enqueue_many = beat.records.enqueue, beat.records.enqueue_many

    def accepted(*messages: Message) -> Sequence[Message]:
        if any(one.id.startswith(beginning) for one in messages):
            raise StoreError
        return messages

    vars(beat.records).update(
        enqueue=lambda one, now_ms: enqueue(accepted(one)[0], now_ms),
        enqueue_many=lambda all, now_ms: enqueue_many(accepted(*all), now_ms),
    )


NO_JSON = "argument 1 of report cannot be written as JSON:"


def accept_all(beat: Beat) -> None:
    """Let it refuse nothing any more."""
    for name in ("enqueue", "enqueue_many"):
        del vars(beat.records)[name]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("x" * MAX_BYTES,), "The message is larger than the 1,048,576 bytes that SQS takes."),
        ((math.nan,), f"{NO_JSON} Out of range float values are not JSON compliant: nan"),
        (({1},), f"{NO_JSON} Object of type set is not JSON serializable"),
    ],
    ids=["too large", "no JSON", "no JSON type"],
)
def test_what_can_never_be_sent_is_passed_over(args: tuple[Any, ...], reason: str) -> None:
    bad = replace(GOOD, name="bad", args=args)
    beat = Beat([bad, GOOD])
    done = beat.at(NOW_MS)
    assert done.dropped == {"bad": dict.fromkeys(SLOTS, reason)}
    assert (done.sent, done.failed) == (len(SLOTS), {})
    assert (beat.slots("bad"), beat.slots("good")) == ([], SLOTS)
    assert beat.at(NOW_MS).dropped == {}
    # Mended, it goes on with the slots that come.
    beat.declared = [replace(bad, args=()), GOOD]
    beat.at(NOW_MS + MINUTE_MS)
    assert beat.slots("bad") == beat.slots("good")[len(SLOTS) :] != []
    assert beat.rows.rows["bad"].sent == len(beat.slots("bad"))


def test_a_slot_whose_id_another_task_has_is_passed_over_alone() -> None:
    beat = Beat([GOOD, replace(GOOD, name="other")])
    taken = task_id("good", SLOTS[3])
    beat.records.enqueue(Message("another", taken), NOW_MS)
    done = beat.at(NOW_MS)
    assert done.dropped["good"].keys() == {SLOTS[3]}
    assert beat.slots("good") == [*SLOTS[:3], *SLOTS[4:]]
    assert beat.slots("other") == SLOTS
    assert beat.rows.rows["good"].sent == len(SLOTS) - 1


@pytest.mark.parametrize("trouble", ["takes nothing", "is gone", "is not known"])
def test_a_queue_in_trouble_costs_the_others_little_and_nothing_is_lost(trouble: str) -> None:
    beat = Beat([*many(500), EVERY_100])
    queue = beat.queues["reports"]
    if trouble == "takes nothing":
        beat.broker.down = {"reports"}
    elif trouble == "is gone":
        beat.broker.remove_queue("reports")
    else:
        del beat.queues["reports"]
    done = beat.at(NOW_MS)
    assert done.failed.keys() == {one.name for one in many(500)}
    assert (done.dropped, beat.slots("books")) == ({}, [NOW_MS + 100_000])
    assert beat.broker.requests["reports"] < 30
    assert beat.records.get(task_id("many0000", SLOTS[0])) is None
    beat.broker.down = set()
    beat.queues["reports"] = queue
    beat.broker.create_queue("reports")
    assert beat.at(NOW_MS + 5_000).failed == {}
    assert [slots for slots in beat.all_slots().values() if slots == SLOTS] == [SLOTS] * 500


@pytest.mark.parametrize("bad", [1, 10])
def test_a_bad_one_among_many_costs_a_few_requests(bad: int) -> None:
    requests = []
    for number in (0, bad):
        no_json = [replace(GOOD, name=f"bad{n}", args=(math.nan,)) for n in range(number)]
        beat = Beat([*many(300, timing=Interval(60)), *no_json])
        assert beat.at(NOW_MS, long_ms=MINUTE_MS).failed == {}
        assert len(beat.all_slots()) == 300
        requests.append(len(beat.fuse.calls))
    assert requests[1] - requests[0] <= 60 * bad


@pytest.mark.parametrize("error", [Throttled, StoreError])
def test_a_record_that_cannot_be_written_is_written_by_the_next_tick(
    error: type[Exception],
) -> None:
    beat = Beat([GOOD])
    beat.fuse.errors = {name: [error()] * 100 for name in ("enqueue", "enqueue_many")}
    assert beat.at(NOW_MS).failed == {"good": str(error())}
    # A table that throttles is not asked more often for it.
    assert beat.fuse.calls.count("enqueue_many") == (1 if error is Throttled else len(SLOTS) - 1)
    beat.fuse.errors = {}
    assert beat.at(NOW_MS).failed == {}
    assert (beat.slots("good"), beat.rows.rows["good"].sent) == (SLOTS, len(SLOTS))


def test_a_record_that_the_database_refuses_stops_its_own_schedule_only() -> None:
    beat = Beat([GOOD, replace(GOOD, name="refused")])
    refuse(beat, "refused@")
    assert beat.at(NOW_MS).failed.keys() == {"refused"}
    assert (beat.slots("good"), beat.slots("refused")) == (SLOTS, [])


def test_rows_that_cannot_be_written_are_written_by_the_next_tick() -> None:
    beat = Beat([GOOD])
    beat.fuse.errors = {"save_progress": [StoreError()]}
    assert beat.at(NOW_MS).failed == {"good": str(StoreError())}
    assert beat.at(NOW_MS).failed == {}
    assert (beat.slots("good"), beat.rows.rows["good"].sent) == (SLOTS, len(SLOTS))


def test_a_declared_schedule_that_cannot_be_written_stops_no_other() -> None:
    beat = Beat([GOOD, EVERY_100])
    beat.fuse.errors = {"save": [StoreError()]}
    assert beat.at(NOW_MS).failed.keys() == {"good"}
    assert beat.slots("books") == [NOW_MS + 100_000]
    assert beat.at(NOW_MS).failed == {}
    assert beat.slots("good") == SLOTS


def test_a_task_that_is_idempotent_has_no_record() -> None:
    beat = Beat([replace(GOOD, task="harmless")])
    assert beat.at(NOW_MS).sent == len(SLOTS)
    assert beat.slots("good") == SLOTS
    assert beat.records.get(task_id("good", SLOTS[0])) is None


def test_a_tick_ends_in_time_and_the_next_goes_on_with_the_others() -> None:
    schedules = many(400, timing=Interval(30))
    beat = Beat(schedules)
    beat.at(NOW_MS - MINUTE_MS, long_ms=0)
    beat.request_ms = 50
    reached: set[str] = set()
    for seconds in range(0, 60, 10):
        done = beat.at(NOW_MS + seconds * 1000, long_ms=1_000)
        assert beat.now_ms < NOW_MS + seconds * 1000 + 1_500
        assert set(done.failed.values()) <= {"The tick's time is over."}
        if not reached:
            assert done.failed.keys() == {one.name for one in schedules} - beat.all_slots().keys()
        new = beat.all_slots().keys() - reached
        assert new or len(reached) == 400
        reached |= new
    assert len(reached) == 400


def test_one_that_catches_up_lets_the_others_have_their_turn() -> None:
    behind = replace(GOOD, name="behind", timing=Interval(1), misfire=Misfire.ALL)
    beat = Beat([behind, GOOD])
    beat.rows.save(Row(behind, NOW_MS - 60 * MINUTE_MS, declared=True))
    beat.at(NOW_MS)
    order = [message.id.partition("@")[0] for message in beat.messages()]
    assert (order.index("good"), order.count("good")) == (120, len(SLOTS))
    assert len(beat.slots("behind")) == 1000
    row = beat.rows.rows["behind"]
    assert (row.sent, row.cursor_ms) == (1000, beat.slots("behind")[-1])


def test_the_cursor_stays_before_a_slot_that_fails_and_later_turns_wait() -> None:
    behind = replace(GOOD, name="behind", timing=Interval(1), misfire=Misfire.ALL)
    slots = list(due(Interval(1), NOW_MS - 5 * MINUTE_MS, NOW_MS + HORIZON_MS))
    beat = Beat([behind])
    beat.rows.save(Row(behind, NOW_MS - 5 * MINUTE_MS, declared=True))
    refuse(beat, task_id("behind", slots[50]))
    assert beat.at(NOW_MS).failed == {"behind": str(StoreError())}
    assert beat.slots("behind") == [*slots[:50], *slots[51:120]]
    row = beat.rows.rows["behind"]
    assert (row.cursor_ms, row.sent) == (slots[49], 50)
    accept_all(beat)
    assert beat.at(NOW_MS).failed == {}
    assert beat.slots("behind") == slots
    assert beat.rows.rows["behind"].sent == len(slots)
