"""Which queues an app needs."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

from celery import Celery

from taskqueue.celery.checks.finding import Finding
from taskqueue.celery.checks.refused import own_tasks

# Each pair of consumer and queue is a resource, of which a stack has 500 (docs/decisions.md).
MAX_QUEUES = 16

# What `Fn::ForEach` takes as a part of a resource's name.
_LOGICAL_NAME = re.compile(r"[A-Za-z0-9]+")


class NeededQueue(NamedTuple):
    """A queue and the names of its tasks. `time_limit_seconds`: the longest of theirs."""

    name: str
    tasks: Sequence[str]
    time_limit_seconds: float | None


def needed_queues(app: Celery) -> Sequence[NeededQueue]:
    """Return the queues to which an app's tasks go, and those of `task_queues`, by name."""
    tasks: dict[str, list[Any]] = {name: [] for name in _declared(app)}
    for task in own_tasks(app):
        tasks.setdefault(queue_of(app, task), []).append(task)
    return [_needed(name, tasks[name]) for name in sorted(tasks)]


def queue_of(app: Celery, task: Any) -> str:
    """Return the name of the queue to which `task.delay()` sends."""
    asked = {"queue": task.queue} if getattr(task, "queue", None) else {}
    queue = app.amqp.router.route(asked, task.name).get("queue")
    return str(getattr(queue, "name", queue) or app.conf.task_default_queue)


def unfit(queues: Sequence[NeededQueue]) -> Iterator[Finding]:
    """Yield what the template cannot have."""
    for queue in queues:
        if not _LOGICAL_NAME.fullmatch(queue.name):
            yield Finding(
                f"the queue {queue.name!r}",
                "needs a name of letters and digits only; task_routes can send to another",
            )
    if len(queues) > MAX_QUEUES:
        yield Finding(
            "task_routes", f"name {len(queues)} queues: a stack has room for {MAX_QUEUES}"
        )


def absent(app: Celery, stack: Container[str]) -> Iterator[Finding]:
    """Yield the queues of an app's tasks that a stack has not, whose queues' names are given."""
    for queue in needed_queues(app):
        if not queue.tasks or queue.name in stack:
            continue
        absence = f"{queue.name!r}, a queue that this stack has not: sending there fails"
        if queue.name == app.conf.task_default_queue:
            yield Finding("task_default_queue", f"is {absence}")
        else:
            yield Finding("task_routes", f"send {queue.tasks[0]} to {absence}")


def _declared(app: Celery) -> Sequence[str]:
    declared: Any = app.conf.task_queues
    if isinstance(declared, dict):
        return list(declared)
    return [queue.name for queue in declared or ()]


def _needed(name: str, tasks: Sequence[Any]) -> NeededQueue:
    limits = [task.time_limit or task.soft_time_limit for task in tasks]
    longest = max((limit for limit in limits if limit), default=None)
    return NeededQueue(name, [task.name for task in tasks], longest)
