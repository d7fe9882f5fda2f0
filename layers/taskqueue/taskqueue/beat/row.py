"""A schedule's row: the schedule and what beat has done for it, and how a row changes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from taskqueue.beat.schedule import Schedule
from taskqueue.beat.timing import next_slot


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule and what beat has done for it. Times are milliseconds since the epoch.

    `cursor_ms`: the time up to which every slot is done. `sent` counts the slots sent. When the row
    was written, `last_ms` was the latest of them that had passed, and `ahead` were those to come.

    `declared`: the schedule stands in code, in that of the Celery app named `app` or, if that is
    empty, in that which beat carries. `changed`: the API has changed it since. `removed`: the
    API has removed it; the row stays, or the code would bring it back. `version` counts the writes.
    """

    schedule: Schedule
    cursor_ms: int
    declared: bool = False
    changed: bool = False
    removed: bool = False
    sent: int = 0
    last_ms: int | None = None
    ahead: Sequence[int] = ()
    version: int = 0
    app: str = ""


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row of the table that cannot be read as a schedule."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Runs:
    """What a schedule has done and will do. Times are slots."""

    count: int
    last_ms: int | None
    next_ms: int | None


def runs(row: Row, now_ms: int) -> Runs:
    """Return how often the schedule has run, and when last and next, as of `now_ms`."""
    come = [slot for slot in row.ahead if slot <= now_ms]
    to_come = [slot for slot in row.ahead if slot > now_ms]
    return Runs(
        count=row.sent - len(to_come),
        last_ms=come[-1] if come else row.last_ms,
        next_ms=to_come[0] if to_come else _next_unsent(row, now_ms),
    )


def put(row: Row | None, schedule: Schedule, now_ms: int) -> Row:
    """Return the row after the API has set `schedule`; slots already sent ahead stay sent."""
    if row is None:
        return Row(schedule, now_ms)
    return replace(_rescheduled(row, schedule, now_ms), changed=True, removed=False)


def removed(row: Row) -> Row:
    """Return the row after the API has removed a schedule that stands in code."""
    return replace(row, removed=True)


def advanced(row: Row, slots: Iterable[int], cursor_ms: int, now_ms: int) -> Row:
    """Return the row after `slots` were sent and every slot up to `cursor_ms` is done."""
    sent = sorted({*row.ahead, *slots})
    come = [slot for slot in sent if slot <= now_ms]
    ahead = tuple(slot for slot in sent if slot > now_ms)
    return replace(
        row,
        cursor_ms=cursor_ms,
        sent=row.sent + len(sent) - len(row.ahead),
        last_ms=come[-1] if come else row.last_ms,
        ahead=ahead,
    )


def declare(
    rows: Mapping[str, Row], schedules: Iterable[Schedule], now_ms: int, app: str = ""
) -> dict[str, Row | None]:
    """Return the rows to write so that the table agrees with the code; None: to delete.

    `app`: whose code it is, as a `Row` says it; the rows of others stay. So does what the API has
    changed or removed.
    """
    in_code = {schedule.name: schedule for schedule in schedules}
    writes: dict[str, Row | None] = {}
    for name, schedule in in_code.items():
        row = rows.get(name)
        if row is None:
            writes[name] = Row(schedule, now_ms, declared=True, app=app)
        elif _is_of(row, app) and not (row.changed or row.removed) and row.schedule != schedule:
            writes[name] = _rescheduled(row, schedule, now_ms)
    for name, row in rows.items():
        if _is_of(row, app) and name not in in_code and (row.removed or not row.changed):
            writes[name] = None
    return writes


def _is_of(row: Row, app: str) -> bool:
    return row.declared and row.app == app


def _rescheduled(row: Row, schedule: Schedule, now_ms: int) -> Row:
    goes_on = row.schedule.timing == schedule.timing and not _at_rest(row)
    # Slots of a new timing, or of the time in which the schedule rested, were not missed.
    cursor_ms = row.cursor_ms if goes_on else max(row.cursor_ms, now_ms)
    return replace(row, schedule=schedule, cursor_ms=cursor_ms)


def _at_rest(row: Row) -> bool:
    return row.schedule.paused or row.removed


def _next_unsent(row: Row, now_ms: int) -> int | None:
    if _at_rest(row):
        return None
    return next_slot(row.schedule.timing, max(row.cursor_ms, now_ms))
