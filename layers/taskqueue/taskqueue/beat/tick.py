"""Beat: plans each schedule's slots up to two minutes ahead, and sends them to start on time.

Safe to run twice, late, or by two machines whose clocks differ, and to end at any point:

- A slot's task id is made of the schedule's name and the slot, so that sending it again is sending
  the same task, which runs once.
- A row's cursor is the time up to which all slots are done. It moves after the sends succeeded, by
  a conditional write: a send that fails is made again by the next tick, and of two ticks at once
  one moves the cursor, and only that one counts its sends.

No schedule delays another for long: each has its round, those that wait longest come first, and one
whose sends fail costs the others a few requests.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from taskqueue.beat.dispatch import Dispatch, Sends, TimeIsOver
from taskqueue.beat.plan import Missed, message, plan, sending_of
from taskqueue.beat.round_robin import Lane, Round, Todo, lanes, round_of
from taskqueue.beat.row import BrokenRow, Row, declare
from taskqueue.beat.schedule import InvalidSchedule, Schedule
from taskqueue.errors import TaskQueueError
from taskqueue.task import AnyTask


class ScheduleRows(Protocol):
    """The schedules' rows. Every method may raise `StoreError` or `Throttled`."""

    def list(self) -> Sequence[Row | BrokenRow]:
        """Return all rows, those of removed schedules included."""
        ...

    def save(self, row: Row) -> bool:
        """Write the row; False when it was written since it was read: `row.version` tells."""
        ...

    def save_progress(self, rows: Sequence[Row]) -> Sequence[bool]:
        """Write of each row how far beat is with it; False as `save` says it."""
        ...

    def delete(self, name: str) -> None:
        """Delete the row."""
        ...


@dataclass(slots=True)
class Tick:
    """What a tick did, by the schedules' names.

    `failed`: why a schedule's slots were not sent; the next tick sends them. `broken`: why a
    schedule cannot be run; it stays so until someone changes it. `dropped`: slots that can never be
    sent, and why; they are passed over.
    """

    sent: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    missed: dict[str, Missed] = field(default_factory=dict)
    dropped: dict[str, dict[int, str]] = field(default_factory=dict)


def tick(
    store: ScheduleRows,
    sender: Sends,
    tasks: Mapping[str, AnyTask],
    declared: Sequence[Schedule],
    clock_ms: Callable[[], int],
    end_ms: int,
) -> Tick:
    """Send every slot up to two minutes ahead, and those missed as each schedule's policy says.

    `declared`: the schedules that stand in code, beside their tasks. `clock_ms`: the time now; what
    is left until a slot is taken anew for each batch, since many take a while. `end_ms`: the time
    at which no other batch is begun.

    Raises:
        StoreError: the schedules could not be read.
    """
    ticking = _Ticking(store, Dispatch(sender, clock_ms, end_ms), clock_ms)
    rows = ticking.rows(declared)
    waiting = deque(lanes(ticking.todos(rows, tasks)))
    while waiting and clock_ms() < end_ms:
        lane = waiting.popleft()
        ticking.run_batch(lane)
        if lane:
            waiting.append(lane)
    ticking.give_up(todo for lane in waiting for todo in lane)
    return ticking.done


@dataclass(frozen=True, slots=True)
class _Ticking:
    store: ScheduleRows
    dispatch: Dispatch
    clock_ms: Callable[[], int]
    done: Tick = field(default_factory=Tick)

    def rows(self, declared: Sequence[Schedule]) -> list[Row]:
        """Read the rows, and let them agree with the code."""
        read = self.store.list()
        self.done.broken.update(
            {row.name: row.reason for row in read if isinstance(row, BrokenRow)}
        )
        rows = {row.schedule.name: row for row in read if isinstance(row, Row)}
        unbroken = [one for one in declared if one.name not in self.done.broken]
        for name, row in declare(rows, unbroken, self.clock_ms()).items():
            rows.pop(name, None)
            try:
                if written := self._declare(name, row):
                    rows[name] = written
            except TaskQueueError as error:
                self.done.failed[name] = str(error)
        return [row for row in rows.values() if not row.removed]

    def todos(self, rows: Iterable[Row], tasks: Mapping[str, AnyTask]) -> Iterator[Todo]:
        """Plan each schedule."""
        now_ms = self.clock_ms()
        for row in rows:
            name = row.schedule.name
            try:
                todo = self._todo(row, tasks, now_ms)
            except InvalidSchedule as error:
                self.done.broken[name] = str(error)
            except Exception as error:  # noqa: BLE001 - no row may stop the others
                self.done.broken[name] = type(error).__name__
            else:
                if todo:
                    yield todo

    def run_batch(self, lane: Lane) -> None:
        """Send what comes next in the lane, and write how far each schedule is."""
        todos = lane.take()
        errors = self._send(lane, todos)
        lane.close(errors)
        answers = iter(errors)
        rounds = [round_of(todo, [next(answers) for _ in todo.next_slots]) for todo in todos]
        for one in rounds:
            self._tell(one)
        for todo in self._write([one for one in rounds if one.has_moved]):
            lane.put_back(todo)

    def give_up(self, todos: Iterable[Todo]) -> None:
        """Leave the rest to the next tick."""
        for todo in todos:
            self.done.failed[todo.row.schedule.name] = str(TimeIsOver())

    def _declare(self, name: str, row: Row | None) -> Row | None:
        if row is None:
            self.store.delete(name)
            return None
        return replace(row, version=row.version + 1) if self.store.save(row) else None

    def _todo(self, row: Row, tasks: Mapping[str, AnyTask], now_ms: int) -> Todo | None:
        schedule = row.schedule
        sending = sending_of(schedule, tasks)
        planned = plan(schedule, row.cursor_ms, now_ms)
        if planned.missed:
            self.done.missed[schedule.name] = planned.missed
        if not planned.slots and not planned.missed:
            return None
        is_recorded = schedule.sending is not None or not tasks[schedule.task].options.idempotent
        return Todo(row, sending, is_recorded, planned.slots, planned.cursor_ms)

    def _send(self, lane: Lane, todos: Sequence[Todo]) -> Sequence[Exception | None]:
        now_ms = self.clock_ms()
        messages = [
            message(todo.row.schedule, todo.sending, slot_ms, now_ms)
            for todo in todos
            for slot_ms in todo.next_slots
        ]
        if lane.closed_by:
            return [lane.closed_by for _ in messages]
        return self.dispatch.send(messages, recorded=todos[0].is_recorded)

    def _tell(self, ended: Round) -> None:
        name = ended.todo.row.schedule.name
        self.done.sent += len(ended.sent)
        if ended.error:
            self.done.failed[name] = str(ended.error)
        if ended.dropped:
            reasons = {slot_ms: _reason(error) for slot_ms, error in ended.dropped.items()}
            self.done.dropped.setdefault(name, {}).update(reasons)

    def _write(self, rounds: Sequence[Round]) -> Iterator[Todo]:
        """Write the rows; yield what is left to do of those that no other tick has written."""
        now_ms = self.clock_ms()
        rows = [one.row(now_ms) for one in rounds]
        try:
            saved = self.store.save_progress(rows)
        except TaskQueueError as error:
            self.done.failed.update({row.schedule.name: str(error) for row in rows})
            return
        for one, row, is_saved in zip(rounds, rows, saved, strict=True):
            if is_saved and (rest := one.rest(row)):
                yield rest


def _reason(error: Exception) -> str:
    """Return why a slot was passed over; the text of an error not ours might quote arguments."""
    return str(error) if isinstance(error, TaskQueueError) else type(error).__name__
