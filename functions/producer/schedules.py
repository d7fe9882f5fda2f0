"""Adds, changes, pauses and removes schedules."""

from typing import Any

from api import replies
from api.fields import PathName
from api.problems import bad_field, not_found
from api.replies import Reply
from api.routing import Router
from functions.producer import observing
from taskqueue import clock
from taskqueue.beat.schedule import InvalidSchedule, Schedule, check, definition, parse
from taskqueue.errors import WrongArguments
from taskqueue.lambdas import task_modules, wiring

router = Router()


@router.put("/schedules/<schedule>")
def put_schedule(schedule: PathName, body: dict[str, Any]) -> Reply:
    """Add a schedule, or change one; slots sent already, at most two minutes ahead, still run."""
    now_ms = clock.now_ms()
    wanted = _read(schedule, body, now_ms)
    wiring.schedule_store().put(wanted, now_ms)
    observing.logger.info("schedule set", extra={"schedule": wanted.name})
    return replies.ok({"name": wanted.name, **definition(wanted)})


@router.delete("/schedules/<schedule>")
def delete_schedule(schedule: PathName) -> Reply:
    """Remove a schedule; what was sent already, at most two minutes ahead, still runs."""
    if not wiring.schedule_store().remove(schedule):
        raise not_found("There is no schedule of that name.")
    observing.logger.info("schedule removed", extra={"schedule": schedule})
    return replies.no_content()


def _read(name: str, body: dict[str, Any], now_ms: int) -> Schedule:
    tasks = task_modules.startable_tasks()
    try:
        schedule = parse(name, body)
        check(schedule, tasks, now_ms)
        tasks[schedule.task].check_call(schedule.args, schedule.kwargs)
    except InvalidSchedule as error:
        raise bad_field(error.field, error.reason) from None
    except WrongArguments as error:
        raise bad_field("args", str(error)) from None
    return schedule
