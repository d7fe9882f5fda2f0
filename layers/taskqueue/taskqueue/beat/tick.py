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

from taskqueue.beat.plan import Missed, Plan, message, plan
from taskqueue.beat.row import BrokenRow, Row, advanced, declare
from taskqueue.beat.schedule import InvalidSchedule, Schedule
from taskqueue.errors import TaskQueueError
from taskqueue.message import Message
from taskqueue.records.store import Enqueued
from taskqueue.task import AnyTask


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick did, by the schedules' names.

    `failed`: why a schedule's slots were not sent; the next tick sends them. `broken`: why a
    schedule cannot be run; it stays so until someone changes it.
    """

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


def tick(
    store: ScheduleRows,
    sender: Sends,
    tasks: Mapping[str, AnyTask],
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
    tasks: Mapping[str, AnyTask],
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
