"""A Celery app's tasks, unchanged, on this worker: the only folder that imports Celery.

    from proj.celery import app
    from taskqueue.celery import worker

    handler = worker(app)

Celery's own tracer runs the tasks. Four seams join it to this worker:

    publishing   how a message leaves: by this project's sender
    results      where results go: kept for the end of the run, which this worker writes
    child_ids    where the ids of tasks that a task sends come from: derived from their parent's
    execution    who calls the tracer: the worker, after its claim
"""

from taskqueue.celery.handler import worker

__all__ = ["worker"]
