"""The Celery program that the worker's CPU is measured with: one task that does nothing."""

import json
import os

from celery import Celery

app = Celery("noop")
app.conf.update(json.loads(os.environ["BENCHMARK_CELERY"]))


@app.task(name="noop")
def noop(number: int) -> int:
    """Returns what it was given."""
    return number
