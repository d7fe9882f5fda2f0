"""The tasks that callers may start: those of the modules that the environment names."""

import functools
import importlib
from collections.abc import Mapping

from taskqueue import aws
from taskqueue.app import App, Task


@functools.cache
def tasks() -> Mapping[str, Task]:
    """Return the tasks of every module in TASK_MODULES (`social.tasks,books.tasks`), by name."""
    apps: list[App] = [importlib.import_module(name).app for name in aws.settings().task_modules]
    return {name: task for app in apps for name, task in app.tasks.items()}
