"""How a task's record stands in a DynamoDB item: no I/O.

Key `id`: the text `b'celery-task-meta-<task id>'`, quotes and `b` included, as Celery 5.7 writes
it. `result`, `timestamp` and `ttl` are Celery's; the other attributes are this project's.
https://docs.celeryq.dev/en/stable/userguide/configuration.html#aws-dynamodb-backend-settings

    result            Celery's result meta: JSON, as bytes
    timestamp         when it was enqueued, in seconds
    ttl               when DynamoDB may remove it, in seconds
    status            one of `states`
    task, queue       their names
    attempt           how often it was claimed
    returned          how many of its attempts ended in order
    turn              the turn that waits, runs or has ended; retries and redrives raise it
    publish_id        hash of the publish that this turn is of (`publishes`)
    earlier_publishes hashes of those before, of a task that was published again
    holder            the id of the SQS message by which it was claimed last
    nonce             what tells that claim from one by another delivery of the same message
    retries           how many retries its last end counted
    lease_until_ms    when it may be claimed again
    enqueued_at_ms, due_at_ms, started_at_ms, finished_at_ms
    progress          a value of the task's own, as JSON
    parts_plan        of a task that its parts finish, how far they are planned, as JSON
    parts_done        set of the keys of its full shards (`groups.progress`)
"""

import json
from typing import Any

from taskqueue.errors import TaskRevoked
from taskqueue.groups.progress import Parts, PartsPlan
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.lease import NEVER_MS, Claim, Held
from taskqueue.records.meta import ErrorInfo, outcome_of, result_meta
from taskqueue.records.publishes import publish_hash
from taskqueue.records.record import TaskRecord
from taskqueue.records.retention import Retention

Item = dict[str, Any]
_BEFORE_ID, _AFTER_ID = "b'celery-task-meta-", "'"


def pending_item(message: Message, now_ms: int, retention: Retention) -> Item:
    """Return the item of a task that is enqueued now."""
    item = {
        **item_key(message.id),
        "result": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
        "timestamp": number(now_ms / 1000),
        "ttl": number(retention.of_waiting(due_ms(message, now_ms))),
        "status": string(states.PENDING),
        "task": string(message.task),
        "queue": string(message.queue),
        "attempt": number(0),
        "returned": number(0),
        "turn": number(message.turn),
        "publish_id": binary(publish_hash(message)),
        "retries": number(0),
        "lease_until_ms": number(0),
        "enqueued_at_ms": number(now_ms),
    }
    if message.eta_ms is not None:
        item["due_at_ms"] = number(message.eta_ms)
    return item


def started_item(claim: Claim, now_ms: int, retention: Retention) -> Item:
    """Return the item of a task that is claimed before anyone has recorded it."""
    return {
        **pending_item(claim.message, now_ms, retention),
        "status": string(states.STARTED),
        "attempt": number(1),
        "holder": string(claim.holder),
        "nonce": string(claim.nonce),
        "retries": number(claim.message.retries),
        "lease_until_ms": number(claim.lease_until_ms),
        "started_at_ms": number(claim.starts_at_ms(now_ms)),
    }


def revoked_item(task_id: str, now_ms: int, retention: Retention) -> Item:
    """Return the item of a task that is revoked before anyone has recorded it.

    Its task and its queue are not known.
    """
    message = Message(task="", id=task_id)
    error = ErrorInfo.of(TaskRevoked("revoked"))
    return {
        **pending_item(message, now_ms, retention),
        "result": {"B": result_meta(message, states.REVOKED, error=error, at_ms=now_ms)},
        "status": string(states.REVOKED),
        "lease_until_ms": number(NEVER_MS),
        "finished_at_ms": number(now_ms),
    }


def due_ms(message: Message, now_ms: int) -> int:
    """Return when a task is due that is enqueued now."""
    return max(now_ms, message.eta_ms or 0)


def read_record(task_id: str, item: Item) -> TaskRecord:
    """Return the record that an item holds, or of a damaged one the names that can be read."""
    try:
        return _whole_record(task_id, item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return TaskRecord(
            id=task_id,
            task=_text(item, "task"),
            queue=_text(item, "queue"),
            status=_text(item, "status") or states.PENDING,
        )


def _whole_record(task_id: str, item: Item) -> TaskRecord:
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
        turn=read_int(item, "turn"),
        retries=read_int(item, "retries"),
        progress=None if progress is None else json.loads(progress),
        parts=read_parts(item),
        enqueued_at_ms=_optional_int(item, "enqueued_at_ms"),
        started_at_ms=_optional_int(item, "started_at_ms"),
        finished_at_ms=_optional_int(item, "finished_at_ms") if status in states.FINISHED else None,
        due_at_ms=_optional_int(item, "due_at_ms"),
        publish=_bytes(item, "publish_id"),
    )


def has_expired(item: Item, now_ms: int) -> bool:
    """Whether an item is to be taken as gone: DynamoDB takes days to remove what has expired.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
    """
    return "ttl" in item and read_int(item, "ttl") * 1000 <= now_ms


def read_held(item: Item) -> Held:
    """Return what an item says of the task's last claim."""
    return Held(
        status=item["status"]["S"] if "status" in item else states.PENDING,
        attempt=read_int(item, "attempt"),
        turn=read_int(item, "turn"),
        retries=read_int(item, "retries"),
        returned=read_int(item, "returned"),
        lease_until_ms=read_int(item, "lease_until_ms"),
        holder=_text(item, "holder"),
        nonce=_text(item, "nonce"),
        due_at_ms=read_int(item, "due_at_ms"),
        publish=_bytes(item, "publish_id") or None,
        earlier_publishes=_bytes(item, "earlier_publishes"),
        has_parts="parts_plan" in item,
    )


def read_parts(item: Item) -> Parts | None:
    """Return what an item says of the task's parts; None where none are planned."""
    if "parts_plan" not in item:
        return None
    told = item.get("parts_done", {}).get("SS", [])
    return Parts(PartsPlan.parse(item["parts_plan"]["S"]), frozenset(told))


def item_id(task_id: str) -> str:
    """Return the key's text as Celery's backend writes it."""
    return f"{_BEFORE_ID}{task_id}{_AFTER_ID}"


def task_id_of(item: Item) -> str:
    """Return the id of the task whose item it is."""
    text: str = item["id"]["S"]
    return text.removeprefix(_BEFORE_ID).removesuffix(_AFTER_ID)


def item_key(task_id: str) -> Item:
    """Return the key of a task's item."""
    return {"id": {"S": item_id(task_id)}}


def string(value: str) -> Item:
    """Return a DynamoDB string."""
    return {"S": value}


def number(value: float) -> Item:
    """Return a DynamoDB number."""
    return {"N": str(value)}


def binary(value: bytes) -> Item:
    """Return DynamoDB's bytes."""
    return {"B": value}


def read_int(item: Item, name: str) -> int:
    """Return a number of an item; 0 where it has none of that name."""
    return int(item[name]["N"]) if name in item else 0


def _optional_int(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def _bytes(item: Item, name: str) -> bytes:
    """Return the bytes of an item; none where it has none of that name."""
    return bytes(item.get(name, {}).get("B", b""))


def _text(item: Item, name: str) -> str:
    """Return a text of an item; an empty one where it has none of that name."""
    return str(item.get(name, {}).get("S", ""))
