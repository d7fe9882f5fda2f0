"""A plain task that does nothing, in an application of its own on the notifications queue."""

from taskqueue.app import App

app = App("noop", queue="notifications")


@app.task(name="noop")
def noop(number: int) -> int:
    """Returns what it was given."""
    return number
