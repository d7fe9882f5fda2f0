"""All that the other modules find, of one app."""

from collections.abc import Sequence
from typing import NamedTuple

from celery import Celery

from taskqueue.celery.checks.differing import differing
from taskqueue.celery.checks.finding import Finding
from taskqueue.celery.checks.queues import NeededQueue, needed_queues, unfit
from taskqueue.celery.checks.refused import refused
from taskqueue.celery.schedules import refused_schedules
from taskqueue.celery.unused_settings import without_meaning


class Examination(NamedTuple):
    """What was found of an app.

    `cannot_run`: a worker refuses it, or the template has no room for it. `differs`: it runs, but
    not as it did. `unused_settings`: those that the app sets and that mean nothing here.
    """

    app: str
    cannot_run: Sequence[Finding]
    differs: Sequence[Finding]
    unused_settings: Sequence[str]
    queues: Sequence[NeededQueue]
    default_queue: str
    has_schedules: bool


def examine(app: Celery) -> Examination:
    """Examine an app, whose modules of tasks it imports as a worker does."""
    app.loader.import_default_modules()
    app.finalize()
    queues = needed_queues(app)
    names = {queue.name for queue in queues} | {app.conf.task_default_queue}
    return Examination(
        app=str(app.main or "celery"),
        cannot_run=[*refused(app), *unfit(queues), *_schedules(app, names)],
        differs=differing(app),
        unused_settings=without_meaning(app),
        queues=queues,
        default_queue=app.conf.task_default_queue,
        has_schedules=bool(app.conf.beat_schedule),
    )


def _schedules(app: Celery, queues: set[str]) -> Sequence[Finding]:
    found = [text.partition(": ") for text in refused_schedules(app, queues)]
    return [Finding(subject, text) for subject, _, text in found]
