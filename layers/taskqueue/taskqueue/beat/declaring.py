"""Writes the schedules that stand in a Celery app into the table, where beat finds them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskqueue.beat.row import Row, declare
from taskqueue.beat.schedule import Schedule
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from taskqueue.beat.tick import ScheduleRows

MAX_TRIES = 5


def declare_all(
    store: "ScheduleRows", app: str, schedules: Sequence[Schedule], now_ms: int
) -> Sequence[str]:
    """Let the table agree with the app; return whose names others have taken, sorted.

    Those that the app no longer has are deleted. What people have set by the API, and what stands
    in other code, stays. It may be called at any time, by several processes at once.

    Raises:
        StoreError, Throttled: a request failed, or others keep writing the rows.
    """
    for _ in range(MAX_TRIES):
        rows = {row.schedule.name: row for row in store.list() if isinstance(row, Row)}
        writes = declare(rows, schedules, now_ms, app)
        if all(_write(store, name, row) for name, row in writes.items()):
            return sorted(one.name for one in schedules if _is_taken(rows.get(one.name), app))
    raise Throttled


def _write(store: "ScheduleRows", name: str, row: Row | None) -> bool:
    if row is None:
        store.delete(name)
        return True
    return store.save(row)


def _is_taken(row: Row | None, app: str) -> bool:
    return row is not None and not (row.declared and row.app == app)
