"""The Celery program that beat is measured with: one task that notes when it started."""

import os
import time
from pathlib import Path

from celery import Celery

_PERIOD_SECONDS = float(os.environ["BENCHMARK_PERIOD_SECONDS"])

app = Celery("ticking", broker=os.environ["BENCHMARK_REDIS"])
app.conf.beat_schedule = {"tick": {"task": "tick", "schedule": _PERIOD_SECONDS}}


@app.task(name="tick", ignore_result=True)
def tick() -> None:
    """Note the time, in seconds since the epoch."""
    with Path(os.environ["BENCHMARK_STARTS"]).open("a") as starts:
        starts.write(f"{time.time()}\n")
