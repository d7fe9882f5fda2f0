"""Reads schedules: what they are, and how they have run."""

from collections.abc import Mapping
from typing import Any

from api import replies
from api.fields import PathName
from api.problems import not_found
from api.replies import Reply
from api.routing import Router
from taskqueue import clock
from taskqueue.beat.plan import task_id
from taskqueue.beat.row import BrokenRow, Row, runs
from taskqueue.beat.schedule import definition
from taskqueue.lambdas import wiring

router = Router()


@router.get("/schedules")
def list_schedules() -> Reply:
    """Return all schedules in the order of their names."""
    rows = wiring.schedule_store().list()
    shown = [row for row in rows if isinstance(row, BrokenRow) or not row.removed]
    return replies.ok({"schedules": [_json(row) for row in shown]})


@router.get("/schedules/<schedule>")
def get_schedule(schedule: PathName) -> Reply:
    """Return one schedule."""
    row = wiring.schedule_store().get(schedule)
    if row is None or (isinstance(row, Row) and row.removed):
        raise not_found("There is no schedule of that name.")
    return replies.ok(_json(row))


def _json(row: Row | BrokenRow) -> Mapping[str, Any]:
    if isinstance(row, BrokenRow):
        return {"name": row.name, "broken": row.reason}
    name = row.schedule.name
    done = runs(row, clock.now_ms())
    last_id = None if done.last_ms is None else task_id(name, done.last_ms)
    record = wiring.task_store().get(last_id) if last_id else None
    return {
        "name": name,
        **definition(row.schedule),
        "runs": done.count,
        "last_run": _time(done.last_ms),
        "last_task_id": last_id,
        "last_status": record.status if record else None,
        "next_run": _time(done.next_ms),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else clock.iso(at_ms)
