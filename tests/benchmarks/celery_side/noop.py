"""The Celery program that the worker's CPU is measured with: one task that does nothing."""

import os

from celery import Celery

_REDIS = os.environ["BENCHMARK_REDIS"]

app = Celery("noop", broker=f"{_REDIS}/0", backend=f"{_REDIS}/1")


@app.task(name="noop")
def noop(number: int) -> int:
    """Returns what it was given."""
    return number
