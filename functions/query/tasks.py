"""Reads tasks."""

from api import replies
from api.fields import PathKey
from api.problems import not_found
from api.replies import Reply
from api.routing import Router
from functions.query.json_forms import task_json
from taskqueue.lambdas import task_modules, wiring

router = Router()

# Of a group's shards that are not full so many are read, in one request. Beyond, 6,400 parts more
# are open, and what they have done shows with each 64 of them.
MAX_SHARDS_SHOWN = 100


@router.get("/tasks/<task>")
def get_task(task: PathKey) -> Reply:
    """Return how a task stands."""
    record = wiring.task_store().get(task)
    if record is None:
        raise not_found("There is no task of that id.")
    parts = None if record.finished else record.parts
    shards = wiring.task_store().shards(task, parts.open_shards[:MAX_SHARDS_SHOWN]) if parts else ()
    return replies.ok(task_json(record, shards))


@router.get("/tasks")
def list_tasks() -> Reply:
    """Return the names of the tasks that can be started."""
    return replies.ok({"tasks": sorted(task_modules.startable_tasks())})
