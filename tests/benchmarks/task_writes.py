"""Writes and requests of one plain task."""

from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.requests_of import counted, shown
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

_NOOP_MODULE = "tests.benchmarks.noop_tasks"


def measure(stack: Stack, folder: Path) -> Section:
    """Start a no-op by the API's handler, run it by the worker's, and count."""
    environ = function_environ(stack, "ProducerFunction")
    environ["TASK_MODULES"] += f",{_NOOP_MODULE}"
    result = run_probe(
        "task_writes", environ, copy_built(built_folder(stack), "ProducerFunction", folder)
    )
    requests = result["requests"]
    return Section(
        "Writes and requests of a plain task",
        [
            Check("DynamoDB writes", sum(result["items"].values()), 3, "items"),
            Check("SQS sends", counted(requests, "sqs Send"), 1, "requests"),
            Check("DynamoDB calls", counted(requests, "dynamodb "), 3, "requests"),
        ],
        {
            "requests": shown(requests),
            "write units": str(sum(result["units"].values())),
            "the task's state": str(result["status"]),
        },
        "`POST /tasks/noop` through the producer's handler, its message through the worker's, "
        "alone in its batch, in one process against the local AWS; every request is seen where "
        "botocore sends it. In a batch of 10 the claims of all tasks are one request, and so are "
        "their results.",
    )
