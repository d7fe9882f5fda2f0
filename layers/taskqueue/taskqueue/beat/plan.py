"""What a tick has to do for one schedule: pure, it takes the time now.

A slot's task id is made of the schedule's name and the slot, so that sending it again is sending
the same task, which runs once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskqueue import clock
from taskqueue.beat.schedule import InvalidSchedule, Misfire, Schedule, Sending
from taskqueue.beat.timing import due, latest_slot
from taskqueue.message import Message
from taskqueue.task import AnyTask

# A tick comes once a minute and up to a minute late.
HORIZON_MS = 120_000
# The most slots that one tick sends late of a schedule whose misfire policy is `all`; the next
# tick goes on from there.
MAX_LATE = 1_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Slots that passed unplanned. `count` stops at one more than `MAX_LATE`."""

    count: int
    first_ms: int
    last_ms: int
    run_late: Sequence[int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one tick does for one schedule: `slots` to send, in order, then the cursor's move."""

    slots: Sequence[int]
    missed: Missed | None
    cursor_ms: int


def plan(schedule: Schedule, cursor_ms: int, now_ms: int, horizon_ms: int = HORIZON_MS) -> Plan:
    """Return what a tick at `now_ms` has to do, given that all slots up to `cursor_ms` are done."""
    if schedule.paused:
        return Plan((), None, cursor_ms)
    missed = _missed(schedule, cursor_ms, now_ms)
    late = missed.run_late if missed else ()
    if len(late) == MAX_LATE:
        return Plan(late, missed, late[-1])
    until_ms = now_ms + horizon_ms
    ahead = due(schedule.timing, max(cursor_ms, now_ms), until_ms)
    return Plan((*late, *ahead), missed, max(cursor_ms, until_ms))


def task_id(name: str, slot_ms: int) -> str:
    """Return the id of the task that the schedule `name` runs at `slot_ms`."""
    return f"{name}@{clock.iso(slot_ms).removesuffix('+00:00')}Z"


def sending_of(schedule: Schedule, tasks: Mapping[str, AnyTask]) -> Sending:
    """Return how the schedule's task is sent, which is one of `tasks` or a Celery app's.

    Raises:
        InvalidSchedule: it is neither.
    """
    if schedule.sending:
        return schedule.sending
    try:
        task = tasks[schedule.task]
    except KeyError:
        raise InvalidSchedule("task", "there is no task of that name") from None
    return Sending(task.queue, task.options.expires_seconds)


def message(schedule: Schedule, sending: Sending, slot_ms: int, now_ms: int) -> Message:
    """Return the message that runs the schedule's task at the slot, and not before."""
    return Message(
        task=schedule.task,
        id=task_id(schedule.name, slot_ms),
        args=schedule.args,
        kwargs=schedule.kwargs,
        queue=sending.queue,
        eta_ms=slot_ms + round(sending.countdown_seconds * 1000),
        expires_at_ms=_expires_at_ms(sending, max(slot_ms, now_ms)),
    )


def _expires_at_ms(sending: Sending, from_ms: int) -> int | None:
    seconds = sending.expires_seconds
    return None if seconds is None else from_ms + round(seconds * 1000)


def _missed(schedule: Schedule, cursor_ms: int, now_ms: int) -> Missed | None:
    slots = due(schedule.timing, cursor_ms, now_ms, MAX_LATE + 1)
    if not slots:
        return None
    last_ms = latest_slot(schedule.timing, cursor_ms, now_ms) or slots[-1]
    return Missed(len(slots), slots[0], last_ms, _late(schedule.misfire, slots, last_ms))


def _late(misfire: Misfire, slots: Sequence[int], last_ms: int) -> Sequence[int]:
    match misfire:
        case Misfire.LATEST:
            return (last_ms,)
        case Misfire.ALL:
            return slots[:MAX_LATE]
        case Misfire.SKIP:
            return ()
