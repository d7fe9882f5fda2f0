"""The workers that the suite runs with, each with its broker and its result backend."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.redis_server import redis_server
from tests.celery_suite import faults
from tests.celery_suite.deployment import deployed
from tools.local.deployed import Stack, make_client
from tools.local.ministack import REGION, Ministack, client_environ, credentials
from tools.local.ports import free_port
from tools.paths import CELERY_ENVIRONMENT, ROOT

QUEUE = "celery"
TITLES = {
    "redis": "a stock worker with Redis",
    "sqs": "a stock worker with SQS and DynamoDB",
    "here": "this project's worker, deployed",
    "doubled": "the same, every message twice",
    "killed": "the same, killed again and again",
}
# What runs each of them.
COMMANDS = {
    "redis": "make celery-suite-stock",
    "sqs": "make celery-suite-stock",
    "here": "make celery-suite",
    "doubled": "make celery-suite-doubled",
    "killed": "make celery-suite-killed",
}
STOCK = "redis"
OURS = "here"
# How long a test may take: the suite itself waits for 60 seconds, and what hangs is to leave time.
TEST_SECONDS = {"redis": 60, "sqs": 60, "here": 90, "doubled": 90, "killed": 120}
# How long all tests may take.
SECONDS = {"redis": 1500, "sqs": 2400, "here": 1320, "doubled": 2400, "killed": 7200}
_FAULTS = {"doubled": faults.doubled, "killed": faults.killed}
_STOCK = (
    *(str(CELERY_ENVIRONMENT / "bin" / "celery"), "--app", "app", "worker"),
    *("--pool", "prefork", "--concurrency", "1", "--loglevel", "WARNING"),
)


@dataclass(frozen=True)
class Setting:
    """What a run of the suite is given: its environment, the app's settings, how a worker starts.

    `worker` is empty where one runs already. `control`: the class of the client's `app.control`, if
    it is not Celery's own, and `libraries` the folders that it is imported from.
    """

    config: Mapping[str, Any]
    environ: Mapping[str, str]
    test_seconds: float
    worker: Sequence[str] = _STOCK
    control: str = ""
    libraries: Sequence[Path] = ()

    def variables(self) -> dict[str, str]:
        """Return the variables that the suite, its plugin and its app read."""
        return {
            **self.environ,
            "TEST_BACKEND": self.config["result_backend"],
            "SUITE_CONFIG": json.dumps(self.config),
            "SUITE_WORKER": json.dumps(self.worker),
            "SUITE_CONTROL": self.control,
            "SUITE_TEST_SECONDS": str(self.test_seconds),
        }


@contextlib.contextmanager
def setting(worker: str, folder: Path, suite: Path) -> Iterator[Setting]:
    """Set up one of the workers, by its name in `TITLES`, with what it needs, in a new folder.

    Raises:
        ToolError: the local AWS or the stack did not come up.
        BenchmarkError: Redis did not.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # 73 of the suite's functions note in a Redis what has run.
    with redis_server(folder) as redis_port:
        noted = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(redis_port)}
        seconds = TEST_SECONDS[worker]
        if worker == "redis":
            address = f"redis://127.0.0.1:{redis_port}/0"
            yield Setting({"broker_url": address, "result_backend": address}, noted, seconds)
        elif worker == "sqs":
            with _local_aws() as aws:
                queue = make_client("sqs", aws.endpoint_url).create_queue(QueueName=QUEUE)
                config = on_aws(aws.port, aws.port, queue["QueueUrl"], "celery")
                yield Setting(config, client_environ(noted, aws.endpoint_url), seconds)
        else:
            fault = _FAULTS.get(worker, _no_fault)
            with (
                deployed(folder / "project", suite, redis_port, folder / "build.log") as stack,
                fault(stack) as sqs_port,
            ):
                outputs = stack.outputs
                yield Setting(
                    on_aws(sqs_port, stack.port, outputs["celeryQueueUrl"], outputs["TasksTable"]),
                    stack.environ(noted),
                    seconds,
                    worker=(),
                    control="control:Control",
                    libraries=(ROOT / "layers" / "taskqueue",),
                )


@contextlib.contextmanager
def _no_fault(stack: Stack) -> Iterator[int]:
    yield stack.port


@contextlib.contextmanager
def _local_aws() -> Iterator[Ministack]:
    local_aws = Ministack(free_port())
    try:
        local_aws.start()
        yield local_aws
    finally:
        local_aws.stop()


def on_aws(sqs_port: int, port: int, queue_url: str, table: str) -> dict[str, Any]:
    """Return the settings of a stock app: SQS as broker, DynamoDB as result backend."""
    known = credentials()
    keys = f"{known['AWS_ACCESS_KEY_ID']}:{known['AWS_SECRET_ACCESS_KEY']}"
    return {
        "broker_url": f"sqs://{keys}@127.0.0.1:{sqs_port}",
        "broker_transport_options": {
            "region": REGION,
            "is_secure": False,
            "predefined_queues": {QUEUE: {"url": queue_url}},
        },
        "result_backend": f"dynamodb://{keys}@{REGION}/{table}",
        "dynamodb_endpoint_url": Ministack(port).endpoint_url,
    }
