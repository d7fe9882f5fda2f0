"""A Celery app's worker, made by its one line, and a stock client, on the local AWS."""

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskqueue import clock
from taskqueue.beat.plan import task_id
from taskqueue.beat.row import Row
from taskqueue.beat.tick import tick
from taskqueue.beat.timing import DAY_MS, Crontab
from taskqueue.lambdas import wiring
from taskqueue.queue import Queue
from tests.support.wired_queue import deliver, wired_queue
from tools.local.ministack import client_environ
from tools.paths import CELERY_PYTHON

CLIENT = Path(__file__).with_name("client.py")
DEADLINE_SECONDS = 60
pytestmark = pytest.mark.skipif(
    not CELERY_PYTHON.exists(), reason="no stock Celery in .venv-celery: `make test` installs it"
)


@pytest.fixture
def orders(ministack_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue and a table, of which this process knows as a consumer of the stack does."""
    with wired_queue("orders", ministack_url, monkeypatch) as queue:
        yield queue


@pytest.fixture
def handler(orders: Queue) -> Iterator[Any]:
    """Import the example's handler, as Lambda does."""
    yield importlib.import_module("examples.celery_app.handler").handler
    del sys.modules["examples.celery_app.handler"]


@pytest.mark.parametrize("twice", [False, True])
def test_a_stock_celery_client_and_a_celery_app_s_worker(
    orders: Queue, handler: Any, ministack_url: str, twice: bool
) -> None:
    client = subprocess.Popen(
        [CELERY_PYTHON, CLIENT, os.environ["TASKS_TABLE"], orders.url],
        env=client_environ(os.environ, ministack_url),
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + DEADLINE_SECONDS
    try:
        while client.poll() is None:
            assert time.monotonic() < deadline, "the client has not its results"
            deliver(handler, orders, twice=twice)
    finally:
        client.kill()
        output, _ = client.communicate()
    assert json.loads(output) == {
        "plain": 6.0,
        "retried": "charged after 1 retry",
        "failed": "ValueError('the card is lost')",
        "chain": 9.0,
        "chord": 67.5,
    }


def test_beat_runs_the_schedule_that_a_worker_has_stored(orders: Queue, handler: Any) -> None:
    (row,) = wiring.schedule_store().list()
    assert isinstance(row, Row)
    assert row.schedule.timing == Crontab("30 8 * * 1,2,3,4,5", "Europe/London")
    # As if no beat had ticked for a week: the latest slot runs now.
    wiring.schedule_store().save(replace(row, cursor_ms=row.cursor_ms - 7 * DAY_MS))
    tick(wiring.schedule_store(), wiring.sender(), {}, [], clock.now_ms, clock.now_ms() + 60_000)
    (row,) = wiring.schedule_store().list()
    assert isinstance(row, Row)
    assert row.last_ms
    deliver(handler, orders)
    result = wiring.task_client().result(task_id("opening", row.last_ms))
    assert result.get(timeout=DEADLINE_SECONDS) == "the front door is open"
