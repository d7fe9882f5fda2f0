"""What of an app's configuration runs here, but not as it did."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from celery import Celery

from taskqueue.celery.checks.finding import Finding
from taskqueue.celery.checks.refused import own_tasks

_STOCK_SCHEDULER = "celery.beat:PersistentScheduler"
_READ_COMPRESSIONS = ("gzip", "application/x-gzip", "zlib")
_NAMED_TASKS = 3


def differing(app: Celery) -> Sequence[Finding]:
    """Return what is other here than on Celery's own workers, as far as the app's own code says."""
    return [*_settings(app), *_tasks(app), *_bootsteps(app)]


def _settings(app: Celery) -> Iterator[Finding]:
    conf: Any = app.conf
    if conf.task_always_eager:
        yield Finding("task_always_eager", "is set: a client runs its tasks itself and sends none")
    if conf.value_set_for("result_expires"):
        yield Finding("result_expires", "is not read: set the stack's ResultTtlSeconds")
    if conf.beat_scheduler not in ("", None, _STOCK_SCHEDULER):
        yield Finding(
            "beat_scheduler",
            f"is {conf.beat_scheduler!r}: what stands elsewhere than in beat_schedule is not read",
        )
    if conf.task_compression not in (None, "", *_READ_COMPRESSIONS):
        yield Finding(
            "task_compression",
            f"is {conf.task_compression!r}, which is not read here: set 'gzip', or none",
        )


def _tasks(app: Celery) -> Iterator[Finding]:
    tasks = own_tasks(app)
    yield from _of_some(
        [task for task in tasks if not task.acks_late],
        "acks_late",
        "is always so here: a task whose worker dies runs again, and must bear it",
    )
    yield from _of_some(
        [task for task in tasks if task.rate_limit or app.conf.task_default_rate_limit],
        "rate_limit",
        "is not kept: bound the queue's row by MaximumConcurrency",
    )
    yield from _of_some(
        [task for task in tasks if task.priority is not None],
        "priority",
        "is not kept: give what is urgent a queue of its own",
    )


def _of_some(tasks: Sequence[Any], option: str, text: str) -> Iterator[Finding]:
    if tasks:
        yield Finding(option, f"{text} ({_named(tasks, lambda task: str(task.name))})")


def _named[T](found: Sequence[T], name: Callable[[T], str]) -> str:
    shown = ", ".join(map(name, found[:_NAMED_TASKS]))
    more = len(found) - _NAMED_TASKS
    return f"{shown} and {more} more" if more > 0 else shown


def _bootsteps(app: Celery) -> Iterator[Finding]:
    steps = [step for kind in ("worker", "consumer") for step in app.steps[kind]]
    if steps:
        names = _named(sorted(steps, key=str), lambda step: str(getattr(step, "name", step)))
        yield Finding("bootsteps", f"have no worker to run in: {names}")
