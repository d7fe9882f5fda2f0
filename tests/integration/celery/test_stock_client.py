"""A Celery app's worker, made by its one line, and a stock client, on the local AWS."""

import importlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskqueue.lambdas import clients, wiring
from taskqueue.queue import Queue
from tests.integration.taskqueue.test_consumer import deliver
from tests.support.dynamodb_tables import create_table
from tools.local.ministack import client_environ
from tools.paths import CELERY_PYTHON

CLIENT = Path(__file__).with_name("client.py")
DEADLINE_SECONDS = 60
CACHED: list[Any] = [
    clients.client,
    clients._session,
    wiring.settings,
    wiring.task_store,
    wiring.result_metas,
    wiring.sender,
    wiring.dead_letter_queue,
]

pytestmark = pytest.mark.skipif(
    not CELERY_PYTHON.exists(), reason="no stock Celery in .venv-celery: `make test` installs it"
)


@pytest.fixture
def orders(ministack_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """Make the queue and the table, and set the environment as the template does."""
    for name, value in client_environ({}, ministack_url).items():
        monkeypatch.setenv(name, value)
    for function in CACHED:
        function.cache_clear()
    sqs: Any = clients.client("sqs")
    stack = f"celery-{uuid.uuid4().hex[:12]}"
    url, dead = (
        sqs.create_queue(QueueName=f"{stack}-{name}")["QueueUrl"] for name in ("orders", "dead")
    )
    arn = f"arn:aws:sqs:us-east-1:000000000000:{stack}-"
    monkeypatch.setenv("QUEUES", "orders")
    monkeypatch.setenv("QUEUE_URL_PREFIX", url.removesuffix("orders"))
    monkeypatch.setenv("QUEUE_ARN_PREFIX", arn)
    monkeypatch.setenv("DEAD_LETTER_QUEUE_URL", dead)
    monkeypatch.setenv("TASKS_TABLE", create_table(clients.client("dynamodb"), "id"))
    yield Queue("orders", url, f"{arn}orders")
    for function in CACHED:
        function.cache_clear()


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
