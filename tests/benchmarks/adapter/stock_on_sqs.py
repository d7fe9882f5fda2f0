"""A stock Celery prefork worker on SQS and DynamoDB, both of the local AWS."""

import contextlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import BenchmarkError, cpu_seconds, running, until
from tests.celery_suite.workers import on_aws
from tools.local.deployed import Stack
from tools.local.ministack import client_environ
from tools.paths import CELERY_PYTHON, ROOT

_DRAIN_SECONDS = 120
_LOOK_SECONDS = 0.2
_POLLING_SECONDS = 0.01


@dataclass(frozen=True)
class Drained:
    """What a task cost of a queue that was full: the worker's CPU, and the time on the clock."""

    cpu_ms: float
    wall_ms: float


def send(environ: Mapping[str, str], tasks: int) -> None:
    """Send that many no-ops by a stock client.

    Raises:
        BenchmarkError: the client failed.
    """
    command = [str(CELERY_PYTHON), "-m", "tests.benchmarks.celery_side.only_send", str(tasks)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"Celery's sender failed: {done.stderr.strip()[-300:]}")


def client_of(stack: Stack, queue_url: str, table: str) -> dict[str, str]:
    """Return the environment of a stock client of a queue, with its results in a table."""
    config = on_aws(stack.port, stack.port, queue_url, table)
    # By default a worker asks once a second, and waits for most of it.
    config["broker_transport_options"]["polling_interval"] = _POLLING_SECONDS
    known = {**os.environ, "BENCHMARK_CELERY": json.dumps(config)}
    return client_environ(known, stack.endpoint_url)


def drain(stack: Stack, folder: Path, warm_up: int, tasks: int, concurrency: int) -> Drained:
    """Fill a new queue, start a worker, and measure from the first results to the last.

    Raises:
        BenchmarkError: the worker did not come to its end.
    """
    queue_url, results = _queue(stack), _Results.create(stack)
    environ = client_of(stack, queue_url, results.table)
    send(environ, warm_up + tasks)
    with _worker(environ, folder, concurrency) as pid:
        until(lambda: results.count() >= warm_up, "the worker's first results", _DRAIN_SECONDS)
        cpu, wall, done = cpu_seconds(pid), time.monotonic(), results.count()
        while (count := results.count()) < warm_up + tasks:
            if time.monotonic() - wall > _DRAIN_SECONDS:
                raise BenchmarkError(f"The stock worker ran {count} of {warm_up + tasks} tasks.")
            time.sleep(_LOOK_SECONDS)
        taken = warm_up + tasks - done
        cpu, wall = cpu_seconds(pid) - cpu, time.monotonic() - wall
    return Drained(cpu / taken * 1000, wall / taken * 1000)


@contextlib.contextmanager
def _worker(environ: Mapping[str, str], folder: Path, concurrency: int) -> Iterator[int]:
    options = ["--pool", "prefork", "--concurrency", str(concurrency), "--loglevel", "INFO"]
    command = [
        *(str(CELERY_PYTHON), "-m", "celery", "--app", "tests.benchmarks.celery_side.noop"),
        *("worker", *options, "--logfile", str(folder / "sqs-tasks.log")),
    ]
    with running(command, folder / "sqs.log", env=environ, cwd=ROOT) as process:
        yield process.pid


def _queue(stack: Stack) -> str:
    name = f"stock-{uuid.uuid4().hex[:8]}"
    url: str = stack.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url


@dataclass(frozen=True)
class _Results:
    """A table of results of one worker."""

    client: Any
    table: str

    @classmethod
    def create(cls, stack: Stack) -> "_Results":
        results = cls(stack.client("dynamodb"), f"stock-{uuid.uuid4().hex[:8]}")
        results.client.create_table(
            TableName=results.table,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return results

    def count(self) -> int:
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, Select="COUNT")
        return sum(page["Count"] for page in pages)
