"""What of an app's configuration cannot be run here."""

from collections.abc import Iterator, Sequence
from typing import Any

from celery import Celery

from taskqueue.celery.checks.finding import Finding

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_LAMBDA_SECONDS = 900

JSON_NAMES = ("json", "application/json")
_SERIALIZERS = ("task_serializer", "result_serializer")
_LIMITS = ("time_limit", "soft_time_limit")


def refused(app: Celery) -> Sequence[Finding]:
    """Return what of an app's settings and tasks cannot be run here.

    A task is named only where it says what the settings do not.
    """
    return [*_serializers(app), *_limits_of_all(app), *_tasks(app)]


def own_tasks(app: Celery) -> Sequence[Any]:
    """Return an app's tasks but those that Celery brings, by name."""
    return [app.tasks[name] for name in sorted(app.tasks) if not name.startswith("celery.")]


def _serializers(app: Celery) -> Iterator[Finding]:
    for name in _SERIALIZERS:
        serializer = getattr(app.conf, name)
        if serializer not in JSON_NAMES:
            yield _not_json(name, serializer)


def _limits_of_all(app: Celery) -> Iterator[Finding]:
    for name in _LIMITS:
        seconds = getattr(app.conf, f"task_{name}")
        if _is_beyond_lambda(seconds):
            yield _too_long(f"task_{name}", seconds)


def _tasks(app: Celery) -> Iterator[Finding]:
    for task in own_tasks(app):
        if task.serializer not in (*JSON_NAMES, app.conf.task_serializer):
            yield _not_json(f"the serializer of {task.name}", task.serializer)
        for name in _LIMITS:
            seconds = getattr(task, name)
            if _is_beyond_lambda(seconds) and seconds != getattr(app.conf, f"task_{name}"):
                yield _too_long(f"the {name} of {task.name}", seconds)


def _is_beyond_lambda(seconds: float | None) -> bool:
    return seconds is not None and seconds > MAX_LAMBDA_SECONDS


def _not_json(subject: str, serializer: str) -> Finding:
    return Finding(subject, f"is {serializer!r}: only 'json' is run here")


def _too_long(subject: str, seconds: float) -> Finding:
    return Finding(
        subject,
        f"is {seconds:g} seconds: a Lambda ends after {MAX_LAMBDA_SECONDS}, so cut the work up",
    )
