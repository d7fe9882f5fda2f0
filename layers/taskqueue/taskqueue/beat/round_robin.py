"""In which order a tick sends what is due: schedule by schedule, so that none waits long. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from taskqueue.beat.dispatch import is_of_message, is_of_queue
from taskqueue.beat.row import Row, advanced
from taskqueue.beat.schedule import Sending

# A schedule of one second has so many slots in the two minutes ahead. A batch takes a fraction of a
# second, so that the delays, which are reckoned before it, hold.
MAX_BATCH = 120


@dataclass(frozen=True, slots=True)
class Todo:
    """What a tick still has to do for a schedule: send `slots`, in order, then move the cursor.

    `is_recorded`: whether the task has a record; an idempotent one has none.
    """

    row: Row
    sending: Sending
    is_recorded: bool
    slots: Sequence[int]
    cursor_ms: int

    @property
    def next_slots(self) -> Sequence[int]:
        """The slots that are sent before other schedules have their round."""
        return self.slots[:MAX_BATCH]


@dataclass(frozen=True, slots=True)
class Round:
    """What became of a schedule's round.

    `error`: why it ended early, for now. `dropped`: slots that never run.
    """

    todo: Todo
    sent: Sequence[int]
    dropped: Mapping[int, Exception]
    error: Exception | None

    @property
    def cursor_ms(self) -> int:
        """The time up to which all slots are done."""
        if self.error is None and len(self.todo.next_slots) == len(self.todo.slots):
            return self.todo.cursor_ms
        return max((*self.sent, *self.dropped), default=self.todo.row.cursor_ms)

    @property
    def has_moved(self) -> bool:
        """Whether there is something to write."""
        return self.cursor_ms > self.todo.row.cursor_ms

    def row(self, now_ms: int) -> Row:
        """Return the row to write."""
        return advanced(self.todo.row, self.sent, self.cursor_ms, now_ms)

    def rest(self, written: Row) -> Todo | None:
        """Return what is left to do once the row is written; None when nothing is."""
        slots = self.todo.slots[len(self.todo.next_slots) :]
        if self.error or not slots:
            return None
        return replace(self.todo, row=replace(written, version=written.version + 1), slots=slots)


def round_of(todo: Todo, errors: Sequence[Exception | None]) -> Round:
    """Return what became of a round: `errors` says of each slot why it was not sent, or None.

    A slot that can never be sent is passed over. One that could not be sent now ends the round:
    the cursor may not move beyond it.
    """
    sent: list[int] = []
    dropped: dict[int, Exception] = {}
    for slot_ms, error in zip(todo.next_slots, errors, strict=True):
        if error is None:
            sent.append(slot_ms)
        elif is_of_message(error):
            dropped[slot_ms] = error
        else:
            return Round(todo, sent, dropped, error)
    return Round(todo, sent, dropped, None)


class Lane:
    """The schedules whose tasks go to one queue, oldest cursor first.

    `closed_by`: why the queue takes no message, once that is known.
    """

    def __init__(self, todos: Iterable[Todo]) -> None:
        self._waiting = deque(sorted(todos, key=_cursor_ms))
        self.closed_by: Exception | None = None

    def __iter__(self) -> Iterator[Todo]:
        """Yield those that wait."""
        return iter(self._waiting)

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._waiting)

    def take(self) -> list[Todo]:
        """Take those out whose rounds make one batch: up to `MAX_BATCH` slots and as many rows."""
        taken: list[Todo] = []
        free = MAX_BATCH
        while self._waiting and len(taken) < MAX_BATCH and len(self._waiting[0].next_slots) <= free:
            free -= len(self._waiting[0].next_slots)
            taken.append(self._waiting.popleft())
        return taken

    def put_back(self, todo: Todo) -> None:
        """Let a schedule that has more slots wait behind the others."""
        self._waiting.append(todo)

    def close(self, errors: Iterable[Exception | None]) -> None:
        """Close the lane if one of these errors is that of the queue."""
        of_queue = (error for error in errors if error and is_of_queue(error))
        self.closed_by = next(of_queue, self.closed_by)


def lanes(todos: Iterable[Todo]) -> list[Lane]:
    """Return a lane for each queue, and one more for those of its tasks that have no records."""
    by_way: dict[tuple[str, bool], list[Todo]] = {}
    for todo in todos:
        way = (todo.sending.queue, todo.is_recorded)
        by_way.setdefault(way, []).append(todo)
    return [Lane(todos) for todos in by_way.values()]


def _cursor_ms(todo: Todo) -> int:
    return todo.row.cursor_ms
