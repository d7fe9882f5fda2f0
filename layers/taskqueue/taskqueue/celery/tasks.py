"""The tasks of a Celery app, as the worker knows tasks."""

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from celery import Celery

from taskqueue.message import Message
from taskqueue.options import TaskOptions
from taskqueue.task import AnyTask, Task


def _anything(*_args: Any, **_kwargs: Any) -> None:
    """Take any arguments: that they fit is what Celery finds when it calls the task."""


_SIGNATURE = inspect.signature(_anything)


@dataclass(frozen=True)
class CeleryTasks:
    """The tasks of `celery_app` that come from one queue."""

    celery_app: Celery
    queue: str

    @property
    def name(self) -> str:
        """The app's name."""
        return str(self.celery_app.main or "celery")

    @cached_property
    def tasks(self) -> dict[str, AnyTask]:
        """The tasks by name, Celery's own among them."""
        return {name: self._task(name) for name in self.celery_app.tasks}

    def task_of(self, message: Message) -> AnyTask:
        """Return the task that a message asks for.

        One that the app has not fails when it runs, so that its errbacks and its chord hear of it.
        """
        return self.tasks.get(message.task) or self._unknown(message.task)

    def _unknown(self, name: str) -> AnyTask:
        return Task(name, self.queue, TaskOptions(), _anything, _SIGNATURE)

    def _task(self, name: str) -> AnyTask:
        task = self.celery_app.tasks[name]
        options = TaskOptions(
            soft_time_limit_seconds=task.soft_time_limit,
            time_limit_seconds=task.time_limit,
            ignore_result=bool(task.ignore_result),
            throws=tuple(task.throws or ()),
        )
        return Task(name, self._queue_of(name), options, task.__call__, _SIGNATURE)

    def _queue_of(self, name: str) -> str:
        route = self.celery_app.amqp.router.route({}, name)
        queue = route.get("queue")
        return str(queue.name) if queue is not None else self.queue
