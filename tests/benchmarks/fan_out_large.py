"""Write units of fan-outs to very many friends, and that each friend is delivered to once."""

from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.requests_of import shown
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

_FUNCTION = "notificationsFunction"


def measure_a_million(stack: Stack, folder: Path) -> Section:
    """Run a fan-out to a million friends."""
    return _measure(stack, folder, 1_000_000, most_units=1.05, most_bytes=10_000)


def measure_twenty_million(stack: Stack, folder: Path) -> Section:
    """Run a fan-out to 20 million friends."""
    return _measure(stack, folder, 20_000_000, most_units=1.1, most_bytes=10_000)


def _measure(
    stack: Stack, folder: Path, friends: int, *, most_units: float, most_bytes: int
) -> Section:
    environ = function_environ(stack, _FUNCTION)
    files = copy_built(built_folder(stack), _FUNCTION, folder)
    result = run_probe("fan_out_large", environ, files, [str(friends)])
    units = result["delivery_units"] + result["other_units"]
    return Section(
        f"A fan-out to {friends:,} friends",
        [
            Check("result of the task", result["result"], friends, "friends", "exactly"),
            Check("delivered to exactly once", result["once"], friends, "friends", "exactly"),
            Check("write units of a delivery", units / friends, most_units, "units"),
            Check("largest item", result["largest_bytes"], most_bytes, "bytes"),
        ],
        {
            "write units besides the deliveries": f"{result['other_units']:,}",
            "requests to the table of records": shown(result["requests"]),
            "messages": f"{result['messages']:,}, in {result['batches']:,} batches",
            "turns of `notify_friends`": str(result["turns"]),
            "time": f"{result['seconds']:,.0f} s",
        },
        "The consumer's worker in one process. Tasks and News are tables of the local AWS; the "
        "queue and the friends are in memory. What would be written to the feeds is weighed item "
        "by item, and counted by friend, instead of written. Every item written to the tables is "
        "read before and after, and the larger form weighed, by DynamoDB's documented rules.",
    )
