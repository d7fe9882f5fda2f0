"""A Celery app's tasks, unchanged, on this worker: the only folder that imports Celery.

    from proj.celery import app
    from taskqueue.celery import worker

    handler = worker(app)

Celery's own tracer runs the tasks. Four seams join it to this worker:

    publishing   how a message leaves: by this project's sender
    results      where results go: kept for the end of the run, which this worker writes
    child_ids    where the ids of tasks that a task sends come from: derived from their parent's
    execution    who calls the tracer: the worker, after its claim

In a client, `Celery(…, control="taskqueue.celery:Control")` asks the records of tasks what would
else be asked of workers.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskqueue.celery.control.client import Control
    from taskqueue.celery.handler import worker

__all__ = ["Control", "worker"]


def __getattr__(name: str) -> Any:
    # A client has no worker's libraries, and a worker need not load what only clients use.
    if name == "worker":
        from taskqueue.celery.handler import worker

        return worker
    if name == "Control":
        from taskqueue.celery.control.client import Control

        return Control
    raise AttributeError(f"module 'taskqueue.celery' has no attribute {name!r}")
