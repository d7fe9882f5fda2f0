"""The three workers that the suite runs with, each with its broker and its result backend."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.redis_server import redis_server
from tests.celery_suite.deployment import deployed
from tools.local.deployed import make_client
from tools.local.ministack import REGION, Ministack, client_environ, credentials
from tools.local.ports import free_port
from tools.paths import CELERY_ENVIRONMENT

QUEUE = "celery"
TITLES = {
    "redis": "a stock worker with Redis",
    "sqs": "a stock worker with SQS and DynamoDB",
    "here": "this project's worker, deployed",
}
_STOCK = (
    *(str(CELERY_ENVIRONMENT / "bin" / "celery"), "--app", "app", "worker"),
    *("--pool", "prefork", "--concurrency", "1", "--loglevel", "WARNING"),
)


@dataclass(frozen=True)
class Setting:
    """What a run of the suite is given: its environment, the app's settings, how a worker starts.

    `worker` is empty where one runs already.
    """

    config: Mapping[str, Any]
    environ: Mapping[str, str]
    worker: Sequence[str] = field(default=_STOCK)

    def variables(self) -> dict[str, str]:
        """Return the variables that the suite, its plugin and its app read."""
        return {
            **self.environ,
            "TEST_BACKEND": self.config["result_backend"],
            "SUITE_CONFIG": json.dumps(self.config),
            "SUITE_WORKER": json.dumps(self.worker),
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
        if worker == "redis":
            address = f"redis://127.0.0.1:{redis_port}/0"
            yield Setting({"broker_url": address, "result_backend": address}, noted)
        elif worker == "sqs":
            with _local_aws() as aws:
                queue = make_client("sqs", aws.endpoint_url).create_queue(QueueName=QUEUE)
                config = _on_aws(aws.port, queue["QueueUrl"], "celery")
                yield Setting(config, client_environ(noted, aws.endpoint_url))
        else:
            with deployed(folder / "project", suite, redis_port, folder / "build.log") as stack:
                outputs = stack.outputs
                config = _on_aws(stack.port, outputs["celeryQueueUrl"], outputs["TasksTable"])
                yield Setting(config, stack.environ(noted), worker=())


@contextlib.contextmanager
def _local_aws() -> Iterator[Ministack]:
    local_aws = Ministack(free_port())
    try:
        local_aws.start()
        yield local_aws
    finally:
        local_aws.stop()


def _on_aws(port: int, queue_url: str, table: str) -> dict[str, Any]:
    """Return the settings of a stock app: SQS as broker, DynamoDB as result backend."""
    known = credentials()
    keys = f"{known['AWS_ACCESS_KEY_ID']}:{known['AWS_SECRET_ACCESS_KEY']}"
    return {
        "broker_url": f"sqs://{keys}@localhost:{port}",
        "broker_transport_options": {
            "region": REGION,
            "is_secure": False,
            "predefined_queues": {QUEUE: {"url": queue_url}},
        },
        "result_backend": f"dynamodb://{keys}@{REGION}/{table}",
        "dynamodb_endpoint_url": Ministack(port).endpoint_url,
    }
