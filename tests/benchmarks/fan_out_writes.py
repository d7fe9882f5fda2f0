"""Write units and requests of the fan-out to 1,045 friends."""

import math
from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.requests_of import counted, shown
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

FRIENDS = 1_045
_BATCH_WRITE = "dynamodb BatchWriteItem"
_BATCHES = math.ceil(FRIENDS / 25)


def measure(stack: Stack, folder: Path) -> Section:
    """Post by the API's handler, run all that follows by the consumer's, and count."""
    environ = function_environ(stack, "ProducerFunction")
    files = copy_built(built_folder(stack), "ProducerFunction", folder)
    result = run_probe("fan_out_writes", environ, files, [str(FRIENDS)])
    requests, units = result["requests"], result["units"]
    delivery_units = units[result["feeds_table"]]
    other_units = sum(units.values()) - delivery_units
    return Section(
        f"Writes and requests of a fan-out to {FRIENDS:,} friends",
        [
            Check("deliveries", result["delivered"], FRIENDS, "feeds", "exactly"),
            Check("write units of a delivery", delivery_units / FRIENDS, 1.0, "units", "exactly"),
            Check("bookkeeping", other_units / delivery_units * 100, 2.0, "% on top"),
            Check("BatchWriteItem calls", requests[_BATCH_WRITE], _BATCHES * 1.01, "requests"),
            # Each batch sets its messages' visibility, and each task looks whether the news exist.
            Check("others", counted(requests, "", without=_BATCH_WRITE), 14, "requests"),
        ],
        {
            "requests": shown(requests),
            "write units besides the deliveries": str(other_units),
            "the task's state": str(result["status"]),
        },
        "`POST /users/{user}/news` through the producer's handler, and all messages that follow "
        "through the consumer's, in one process against the local AWS. Every request is seen where "
        "botocore sends it, retries too; every item written is read from its table before and "
        "after, and the larger form weighed by DynamoDB's documented rules (a unit for each KiB "
        "begun, twice in a transaction). The bookkeeping is everything but the deliveries, the "
        "news itself too.",
    )
