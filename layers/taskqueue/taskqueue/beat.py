"""Beat: plans each schedule's slots up to two minutes ahead, and sends them to start on time.

Safe to run twice, late, or by two machines whose clocks differ:

- A slot's task id is made of the schedule's name and the slot, so that sending it again is sending
  the same task, which runs once.
- A row's cursor is the time up to which all slots are sent. It moves after the sends succeeded, by
  a conditional write: a send that fails is made again by the next tick, and of two ticks at once
  one moves the cursor, and only that one counts its sends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from taskqueue import clock
from taskqueue.app import Task
from taskqueue.errors import TaskQueueError
from taskqueue.message import Message
from taskqueue.schedule_rows import BrokenRow, Row, advanced, declare
from taskqueue.schedules import InvalidSchedule, Misfire, Schedule
from taskqueue.slots import due, latest_slot
from taskqueue.store import Enqueued

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


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did: `failed` schedules are tried again by the next, `broken` ones in vain."""

    sent: int
    failed: Mapping[str, str]
    broken: Mapping[str, str]
    missed: Mapping[str, Missed]


class ScheduleRows(Protocol):
    """The schedules' rows. Every method may raise `StoreError` or `Throttled`."""

    def list(self) -> Sequence[Row | BrokenRow]:
        """Return all rows, those of removed schedules included."""
        ...

    def save(self, row: Row) -> bool:
        """Write the row; False when it was written since it was read: `row.version` tells."""
        ...

    def delete(self, name: str) -> None:
        """Delete the row."""
        ...


class Sends(Protocol):
    """What beat needs of a `Sender`."""

    def send(self, message: Message, now_ms: int) -> Enqueued:
        """Record and send one task."""
        ...


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


def message(schedule: Schedule, task: Task, slot_ms: int, now_ms: int) -> Message:
    """Return the message that runs `task` at the slot, and not before."""
    return Message(
        task=schedule.task,
        id=task_id(schedule.name, slot_ms),
        args=schedule.args,
        kwargs=schedule.kwargs,
        queue=task.queue,
        eta_ms=slot_ms,
        expires_at_ms=_expires_at_ms(task, max(slot_ms, now_ms)),
    )


def tick(
    store: ScheduleRows,
    sender: Sends,
    tasks: Mapping[str, Task],
    declared: Sequence[Schedule],
    clock_ms: Callable[[], int],
) -> Tick:
    """Send every slot up to two minutes ahead, and those missed as each schedule's policy says.

    `declared`: the schedules that stand in code, beside their tasks. `clock_ms`: the time now; what
    is left until a slot is taken anew for each send, since many take a while.

    Raises:
        StoreError: the schedules could not be read.
    """
    read = store.list()
    broken = {row.name: row.reason for row in read if isinstance(row, BrokenRow)}
    rows = {row.schedule.name: row for row in read if isinstance(row, Row)}
    unbroken = [schedule for schedule in declared if schedule.name not in broken]
    rows = _declare(store, rows, unbroken, clock_ms())
    sent = 0
    failed: dict[str, str] = {}
    missed: dict[str, Missed] = {}
    for name, row in rows.items():
        try:
            done = _run(store, sender, tasks, row, clock_ms)
        except InvalidSchedule as error:
            broken[name] = str(error)
        except TaskQueueError as error:
            failed[name] = str(error)
        except Exception as error:  # noqa: BLE001 - no row may stop the others
            broken[name] = type(error).__name__
        else:
            sent += len(done.slots)
            if done.missed:
                missed[name] = done.missed
    return Tick(sent, failed, broken, missed)


def _declare(
    store: ScheduleRows, rows: dict[str, Row], declared: Sequence[Schedule], now_ms: int
) -> dict[str, Row]:
    writes = declare(rows, declared, now_ms)
    for name, row in writes.items():
        if row is None:
            store.delete(name)
        elif store.save(row):
            rows[name] = replace(row, version=row.version + 1)
    return {name: row for name, row in rows.items() if writes.get(name, row) is not None}


def _run(
    store: ScheduleRows,
    sender: Sends,
    tasks: Mapping[str, Task],
    row: Row,
    clock_ms: Callable[[], int],
) -> Plan:
    if row.removed:
        return Plan((), None, row.cursor_ms)
    if row.schedule.task not in tasks:
        raise InvalidSchedule("task", "there is no task of that name")
    task = tasks[row.schedule.task]
    now_ms = clock_ms()
    todo = plan(row.schedule, row.cursor_ms, now_ms)
    for slot_ms in todo.slots:
        sender.send(message(row.schedule, task, slot_ms, now_ms), clock_ms())
    if todo.slots or todo.missed:
        store.save(advanced(row, todo.slots, todo.cursor_ms, now_ms))
    return todo


def _expires_at_ms(task: Task, from_ms: int) -> int | None:
    seconds = task.options.expires_seconds
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
