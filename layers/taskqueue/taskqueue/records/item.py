"""How a task's record stands in a DynamoDB item: no I/O.

Key `id`: the text `b'celery-task-meta-<task id>'`, quotes and `b` included, as Celery 5.7 writes
it. `result`, `timestamp` and `ttl` are Celery's; the other attributes are this project's.
https://docs.celeryq.dev/en/stable/userguide/configuration.html#aws-dynamodb-backend-settings
"""

import json
from typing import Any

from taskqueue.groups.completion import Parts
from taskqueue.records import states
from taskqueue.records.meta import outcome_of
from taskqueue.records.record import TaskRecord

Item = dict[str, Any]


def read_record(task_id: str, item: Item) -> TaskRecord:
    """Return the record that an item holds; a stock client's item may lack attributes of ours."""
    status = item["status"]["S"] if "status" in item else states.PENDING
    result, error = outcome_of(bytes(item["result"]["B"])) if "result" in item else (None, None)
    progress = item.get("progress", {}).get("S")
    return TaskRecord(
        id=task_id,
        task=item.get("task", {}).get("S", ""),
        queue=item.get("queue", {}).get("S", ""),
        status=status,
        result=result if status == states.SUCCESS else None,
        error=error if status != states.SUCCESS else None,
        attempts=read_int(item, "attempt"),
        retries=read_int(item, "retries"),
        progress=None if progress is None else json.loads(progress),
        parts=read_parts(item) if "parts_planned" in item or "parts_done" in item else None,
        enqueued_at_ms=_optional_int(item, "enqueued_at_ms"),
        started_at_ms=_optional_int(item, "started_at_ms"),
        finished_at_ms=_optional_int(item, "finished_at_ms") if status in states.FINISHED else None,
        due_at_ms=_optional_int(item, "due_at_ms"),
    )


def read_parts(item: Item) -> Parts:
    """Return the parts of an item, of which there may be none."""
    planned = item.get("parts_planned", {}).get("SS", [])
    done = item.get("parts_done", {}).get("SS", [])
    return Parts(frozenset(planned), frozenset(done))


def item_id(task_id: str) -> str:
    """Return the key's text as Celery's backend writes it."""
    return f"b'celery-task-meta-{task_id}'"


def item_key(task_id: str) -> Item:
    """Return the key of a task's item."""
    return {"id": {"S": item_id(task_id)}}


def string(value: str) -> Item:
    """Return a DynamoDB string."""
    return {"S": value}


def number(value: float) -> Item:
    """Return a DynamoDB number."""
    return {"N": str(value)}


def read_int(item: Item, name: str) -> int:
    """Return a number of an item; 0 where it has none of that name."""
    return int(item[name]["N"]) if name in item else 0


def _optional_int(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
