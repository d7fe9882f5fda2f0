"""Tasks that a campaign deploys beside those of the notifications queue, and their consumer.

Each run leaves a line in the file CAMPAIGN_RUNS, whatever becomes of its record.
"""

import json
import os
import time
from pathlib import Path

from social.tasks import app
from taskqueue.context import Context
from taskqueue.lambdas.consumer import consumer

handler = consumer(app)


class DoorClosed(Exception):
    """The file that opens the door is not there."""


@app.task(bind=True, max_retries=None)
def add_up(run: Context, numbers: list[int], failures: int = 0) -> int:
    """Return the sum of the numbers, after so many retries that are each due a second later."""
    _note(run)
    if run.retries < failures:
        raise run.retry(countdown=1)
    return sum(numbers)


@app.task(bind=True, max_retries=1, autoretry_for=(DoorClosed,), retry_backoff=1)
def go_through(run: Context, door: str) -> str:
    """Return the name of the door; a closed one may be open when the task is tried again."""
    _note(run)
    if not Path(door).exists():
        raise DoorClosed
    return door


@app.task(bind=True)
def come_back(run: Context, seconds: float) -> list[int]:
    """Return when the task's second run was due, and when it began, in milliseconds."""
    if run.retries == 0:
        raise run.retry(countdown=seconds)
    return [run.message.eta_ms or 0, run.now_ms()]


@app.task(bind=True)
def take_time(run: Context, seconds: float) -> None:
    """Work for so many seconds."""
    _note(run)
    time.sleep(seconds)


def _note(run: Context) -> None:
    line = {
        "task_id": run.id,
        "attempt": run.attempt,
        "retries": run.retries,
        "due_at_ms": run.message.eta_ms or 0,
        "at_ms": run.now_ms(),
    }
    # One write to the end of the file: lines of several processes do not mix.
    with Path(os.environ["CAMPAIGN_RUNS"]).open("a") as runs:
        runs.write(json.dumps(line) + "\n")
