"""Puts beat's parts together inside a Lambda function: the table, the tasks, their schedules.

A module of TASK_MODULES has an `app`; one whose tasks run on schedules also has a function
`schedules()` that returns them.
"""

import functools
import importlib
import os
from types import ModuleType

from taskqueue import aws
from taskqueue.app import Task
from taskqueue.schedule_store import DynamoScheduleStore
from taskqueue.schedules import Schedule


@functools.cache
def schedule_store() -> DynamoScheduleStore:
    """Return the store of the table SCHEDULES_TABLE."""
    return DynamoScheduleStore(aws.client("dynamodb"), os.environ["SCHEDULES_TABLE"])


@functools.cache
def tasks() -> dict[str, Task]:
    """Return the tasks of every module in TASK_MODULES, by name."""
    return {name: task for module in _modules() for name, task in module.app.tasks.items()}


@functools.cache
def declared() -> tuple[Schedule, ...]:
    """Return the schedules that stand in code, beside their tasks."""
    return tuple(
        schedule
        for module in _modules()
        if hasattr(module, "schedules")
        for schedule in module.schedules()
    )


def _modules() -> list[ModuleType]:
    return [importlib.import_module(name) for name in aws.settings().task_modules]
