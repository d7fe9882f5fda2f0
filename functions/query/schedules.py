"""Reads schedules: what they are, and how they have run."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from api import replies
from api.fields import DEFAULT_PAGE, MAX_PATH_NAME_LENGTH, Limit, PathName
from api.problems import not_found
from api.replies import Reply
from api.routing import Router
from taskqueue import clock
from taskqueue.beat.plan import task_id
from taskqueue.beat.row import BrokenRow, Row, Runs, runs
from taskqueue.beat.schedule import definition
from taskqueue.lambdas import wiring
from taskqueue.records.record import TaskRecord

router = Router()

type AnyRow = Row | BrokenRow


@router.get("/schedules")
def list_schedules(
    limit: Limit = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(min_length=1, max_length=MAX_PATH_NAME_LENGTH)] = None,
) -> Reply:
    """Return a page of schedules."""
    page = wiring.schedule_store().page(limit, cursor)
    shown = [row for row in page.rows if not _is_removed(row)]
    return replies.ok({"schedules": _json(shown), "next_cursor": page.next_name})


@router.get("/schedules/<schedule>")
def get_schedule(schedule: PathName) -> Reply:
    """Return one schedule."""
    row = wiring.schedule_store().get(schedule)
    if row is None or _is_removed(row):
        raise not_found("There is no schedule of that name.")
    (shown,) = _json([row])
    return replies.ok(shown)


def _is_removed(row: AnyRow) -> bool:
    return isinstance(row, Row) and row.removed


def _json(rows: Sequence[AnyRow]) -> Sequence[Mapping[str, Any]]:
    now_ms = clock.now_ms()
    last_ids = [_last_task_id(row, now_ms) for row in rows]
    records = wiring.task_store().get_many([last_id for last_id in last_ids if last_id])
    return [
        {"name": row.name, "broken": row.reason}
        if isinstance(row, BrokenRow)
        else _schedule_json(row, runs(row, now_ms), last_id, records)
        for row, last_id in zip(rows, last_ids, strict=True)
    ]


def _last_task_id(row: AnyRow, now_ms: int) -> str | None:
    if isinstance(row, BrokenRow):
        return None
    last_ms = runs(row, now_ms).last_ms
    return None if last_ms is None else task_id(row.schedule.name, last_ms)


def _schedule_json(
    row: Row, done: Runs, last_id: str | None, records: Mapping[str, TaskRecord]
) -> Mapping[str, Any]:
    record = records.get(last_id) if last_id else None
    return {
        "name": row.schedule.name,
        **definition(row.schedule),
        "runs": done.count,
        "last_run": _time(done.last_ms),
        "last_task_id": last_id,
        "last_status": record.status if record else None,
        "next_run": _time(done.next_ms),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else clock.iso(at_ms)
