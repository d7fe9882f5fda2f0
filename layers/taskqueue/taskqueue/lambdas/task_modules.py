"""The modules of TASK_MODULES: their tasks, and the schedules that stand beside them.

Each has an `app`; one whose tasks run on schedules also has a function `schedules()` that returns
them.
"""

import functools
import importlib
from types import ModuleType

from taskqueue.beat.schedule import Schedule
from taskqueue.lambdas.wiring import settings
from taskqueue.task import AnyTask


@functools.cache
def startable_tasks() -> dict[str, AnyTask]:
    """Return the tasks that callers and schedules may start, by name: those not internal."""
    return {
        name: task
        for module in _modules()
        for name, task in module.app.tasks.items()
        if not task.options.internal
    }


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
    return [importlib.import_module(name) for name in settings().task_modules]
