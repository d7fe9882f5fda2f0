"""Starts and revokes tasks."""

import uuid
from collections.abc import Mapping

from api import replies
from api.fields import PathKey, PathName
from api.problems import bad_field, not_found
from api.replies import Reply
from api.routing import Router
from functions.producer import observing
from functions.producer.due_times import eta_ms, expires_at_ms
from functions.producer.models import TaskCall
from taskqueue import clock
from taskqueue.errors import WrongArguments
from taskqueue.lambdas import task_modules, wiring
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.store import Enqueued
from taskqueue.task import AnyTask

router = Router()


@router.post("/tasks/<task>")
def start_task(task: PathName, call: TaskCall | None = None) -> Reply:
    """Send a task; under a `task_id` that is known already, it still runs once."""
    now_ms = clock.now_ms()
    known = _find(task)
    message = _message(known, call or TaskCall(), now_ms)
    if known.options.idempotent:
        # Such a task has no record, so there is nothing to ask for later.
        wiring.sender().send_unrecorded([message], now_ms)
        _tell(message)
        return replies.accepted({"task_id": message.id})
    enqueued = wiring.sender().send(message, now_ms)
    _tell(message)
    body = {"task_id": message.id, "status": _status(message.id, enqueued)}
    return replies.accepted(body, replies.location(router.current_event, f"/tasks/{message.id}"))


@router.delete("/tasks/<task>")
def revoke_task(task: PathKey) -> Reply:
    """Revoke a task that has not started."""
    record = wiring.task_store().revoke(task, clock.now_ms())
    if record.due_at_ms is not None:
        # Its message would come to nothing, and till then it would stand among the schedules.
        wiring.sender().take_back(record)
    observing.logger.info("task revoked", extra={"task_id": task})
    return replies.ok({"task_id": task, "status": record.status})


def _find(name: str) -> AnyTask:
    known: Mapping[str, AnyTask] = task_modules.startable_tasks()
    if name not in known:
        raise not_found("There is no task of that name.", tasks=sorted(known))
    return known[name]


def _message(task: AnyTask, call: TaskCall, now_ms: int) -> Message:
    try:
        task.check_call(call.args, call.kwargs)
    except WrongArguments as error:
        raise bad_field("args", str(error)) from None
    return Message(
        task=task.name,
        id=call.task_id or str(uuid.uuid4()),
        args=call.args,
        kwargs=call.kwargs,
        queue=task.queue,
        eta_ms=eta_ms(call, now_ms),
        expires_at_ms=expires_at_ms(call, now_ms),
    )


def _tell(message: Message) -> None:
    extra = {"task_id": message.id, "task": message.task}
    observing.logger.info("task sent", extra=extra)


def _status(task_id: str, enqueued: Enqueued) -> str:
    """Return the task's state; only one that was there before has to be looked up."""
    if enqueued is Enqueued.BEGUN:
        record = wiring.task_store().get(task_id)
        if record:
            return record.status
    return states.PENDING
