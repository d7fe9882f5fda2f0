"""A consumer of a Celery app, as its user writes it: tasks that do next to nothing."""

from celery import Celery

from taskqueue.celery import worker

app = Celery("noop")
app.conf.task_default_queue = "notifications"


@app.task(name="noop")
def noop(number: int) -> int:
    """Returns what it was given."""
    return number


@app.task(name="count")
def count(results: list[int]) -> int:
    """Returns how many results there are: the body of a chord."""
    return len(results)


handler = worker(app)
