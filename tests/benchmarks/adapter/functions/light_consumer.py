"""A consumer of light tasks, beside that of a Celery app."""

from taskqueue import App
from taskqueue.lambdas.consumer import consumer

app = App("noop", queue="notifications")


@app.task(name="noop")
def noop(number: int) -> int:
    """Returns what it was given."""
    return number


handler = consumer(app)
