"""The updates that move one task's record, each with its condition: no I/O."""

import json
from typing import Any, NamedTuple

from taskqueue.errors import TaskRevoked
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.hop import Hop
from taskqueue.records.item import Item, binary, due_ms, number, string
from taskqueue.records.lease import NEVER_MS, has_had_record
from taskqueue.records.meta import ErrorInfo, result_meta
from taskqueue.records.publishes import publish_hash
from taskqueue.records.record import TaskRecord
from taskqueue.records.retention import Retention

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
_RESERVED = ("status", "result", "ttl", "timestamp")
_END = (
    "SET #status = :status, #result = :meta, lease_until_ms = :never, finished_at_ms = :now,"
    " #ttl = :ttl"
)
# More than there will ever be.
_ANY_ATTEMPT = 10**15
_KNOWN = "attribute_exists(id)"
_MAY_FAIL = (
    f"{_KNOWN} AND NOT #status IN (:success, :status, :revoked)"
    " AND (attribute_not_exists(turn) OR turn <= :turn) AND attempt <= :attempt"
)
_IS_OF_PUBLISH = "(attribute_not_exists(publish_id) OR publish_id = :publish)"
_HELD = "attempt = :attempt AND #status IN (:started, :progress)"


class Update(NamedTuple):
    """A conditional update of an item."""

    expression: str
    condition: str
    values: Item

    def arguments(self) -> Item:
        """Return the arguments of `UpdateItem` that say it."""
        used = [word for word in _RESERVED if f"#{word}" in f"{self.expression} {self.condition}"]
        names = {"ExpressionAttributeNames": {f"#{word}": word for word in used}} if used else {}
        return {
            "UpdateExpression": self.expression,
            "ConditionExpression": self.condition,
            "ExpressionAttributeValues": self.values,
            **names,
        }


def release(attempt: int) -> Update:
    """A claimed task waits again."""
    return Update(
        "SET #status = :pending, lease_until_ms = :zero ADD returned :one",
        # A planner that goes on in its next turn is PROGRESS, too, and holds no lease by then.
        f"{_HELD} AND lease_until_ms > :zero",
        {
            ":pending": string(states.PENDING),
            ":zero": number(0),
            ":one": number(1),
            **_held(attempt),
        },
    )


def keep_revoked(message: Message, now_ms: int, retention: Retention) -> Update:
    """The record of a task that was revoked before it was known outlives its message."""
    ttl = retention.of_finished(now_ms, message.eta_ms)
    return Update("SET #ttl = :ttl", "#ttl < :ttl", {":ttl": number(ttl)})


def set_progress(attempt: int, progress: Any) -> Update:
    """A running task tells a JSON value of its own."""
    text = json.dumps(progress, separators=(",", ":"), allow_nan=False)
    return Update("SET progress = :value", _HELD, {":value": string(text), **_held(attempt)})


def set_meta(attempt: int, meta: bytes) -> Update:
    """A running task tells a state of its own, in Celery's form."""
    return Update("SET #result = :meta", _HELD, {":meta": {"B": meta}, **_held(attempt)})


def plan_parts(attempt: int, plan: PartsPlan) -> Update:
    """A running task is to be finished by its parts, so many of which are planned now.

    The lease stays: who planned may still die before the parts are sent.
    """
    return Update(
        "SET #status = :progress, parts_plan = :plan",
        _HELD,
        {":plan": string(plan.text), **_held(attempt)},
    )


def tell_shard(told: str) -> Update:
    """All parts of a shard have ended, whatever the task's state."""
    return Update("ADD parts_done :told", "attribute_exists(parts_plan)", {":told": {"SS": [told]}})


def take_hop(hop: Hop, ttl: int, now_ms: int) -> Update:
    """One SQS message takes a hop, unless a copy of it has taken that or a later one."""
    return Update(
        "SET hop = :hop, taken_by = :holder, #ttl = :ttl",
        "attribute_not_exists(id) OR hop < :hop OR (hop = :hop AND taken_by = :holder)"
        " OR #ttl <= :now",
        {
            ":hop": number(hop.number),
            ":holder": string(hop.holder),
            ":ttl": number(ttl),
            ":now": number(now_ms // 1000),
        },
    )


def complete(message: Message, result: Any, now_ms: int, told: str, retention: Retention) -> Update:
    """All parts are done, those of the shard `told` as the last: the task is SUCCESS."""
    meta = result_meta(message, states.SUCCESS, result=result, at_ms=now_ms)
    return Update(
        f"{_END} ADD parts_done :told",
        f"{_KNOWN} AND NOT #status IN (:status, :revoked)",
        {
            ":told": {"SS": [told]},
            ":revoked": string(states.REVOKED),
            **_end(states.SUCCESS, meta, now_ms, retention.of_finished(now_ms, message.eta_ms)),
        },
    )


def fail(
    message: Message, error: ErrorInfo, now_ms: int, retention: Retention, attempt: int | None
) -> Update:
    """A task that has come to the dead letters is FAILURE, also one that never had a record."""
    meta = result_meta(message, states.FAILURE, error=error, at_ms=now_ms)
    may_fail = _MAY_FAIL if message.publish is None else f"{_MAY_FAIL} AND {_IS_OF_PUBLISH}"
    return Update(
        f"{_END}, task = :task, queue = :queue, #timestamp = :seconds,"
        " enqueued_at_ms = if_not_exists(enqueued_at_ms, :now),"
        " attempt = if_not_exists(attempt, :zero), retries = if_not_exists(retries, :zero),"
        " returned = if_not_exists(returned, :zero), turn = :turn,"
        " publish_id = if_not_exists(publish_id, :publish)",
        may_fail if has_had_record(message) else f"attribute_not_exists(id) OR ({may_fail})",
        {
            ":success": string(states.SUCCESS),
            ":revoked": string(states.REVOKED),
            ":task": string(message.task),
            ":queue": string(message.queue),
            ":seconds": number(now_ms / 1000),
            ":zero": number(0),
            ":turn": number(message.turn),
            ":publish": binary(publish_hash(message)),
            ":attempt": number(_ANY_ATTEMPT if attempt is None else attempt),
            **_end(states.FAILURE, meta, now_ms, retention.of_finished(now_ms, message.eta_ms)),
        },
    )


def revoke(record: TaskRecord, now_ms: int, retention: Retention) -> Update:
    """A task that waits, or that its parts are to finish, is REVOKED.

    Its record outlives the message that is still out.
    """
    message = Message(record.task, record.id, queue=record.queue)
    error = ErrorInfo.of(TaskRevoked("revoked"))
    meta = result_meta(message, states.REVOKED, error=error, at_ms=now_ms)
    return Update(
        _END,
        "#status IN (:pending, :retry, :progress, :status)"
        " OR (#status = :started AND attribute_exists(parts_plan))",
        {
            ":pending": string(states.PENDING),
            ":retry": string(states.RETRY),
            ":progress": string(states.PROGRESS),
            ":started": string(states.STARTED),
            **_end(states.REVOKED, meta, now_ms, retention.of_finished(now_ms, record.due_at_ms)),
        },
    )


def reset(message: Message, now_ms: int, retention: Retention) -> Update:
    """A task that failed waits again for the turn of `message`, with no retries behind it."""
    return Update(
        "SET #status = :pending, #result = :meta, lease_until_ms = :zero, retries = :zero,"
        " returned = attempt, turn = :turn, enqueued_at_ms = :now, #ttl = :ttl"
        " REMOVE finished_at_ms, due_at_ms",
        "#status = :failure",
        {
            ":pending": string(states.PENDING),
            ":failure": string(states.FAILURE),
            ":meta": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
            ":zero": number(0),
            ":turn": number(message.turn),
            ":now": number(now_ms),
            ":ttl": number(retention.of_waiting(due_ms(message, now_ms))),
        },
    )


def _held(attempt: int) -> Item:
    return {
        ":attempt": number(attempt),
        ":started": string(states.STARTED),
        ":progress": string(states.PROGRESS),
    }


def _end(status: str, meta: bytes, now_ms: int, ttl: int) -> Item:
    return {
        ":status": string(status),
        ":meta": {"B": meta},
        ":never": number(NEVER_MS),
        ":now": number(now_ms),
        ":ttl": number(ttl),
    }
