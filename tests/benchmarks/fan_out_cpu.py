"""CPU of the handler that writes 1,000 deliveries, beside the bare requests."""

import statistics
from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

FRIENDS = 1_000
ROUNDS = 25


def measure(stack: Stack, folder: Path) -> Section:
    """Run both in turn in one process and compare the medians."""
    environ = function_environ(stack, "notificationsFunction")
    files = copy_built(built_folder(stack), "notificationsFunction", folder)
    result = run_probe("fan_out_cpu", environ, files, [str(FRIENDS), str(ROUNDS)])
    return Section(
        f"CPU of a fan-out to {FRIENDS:,} friends",
        [Check("the handler, of the bare requests", result["ratio"], 1.1, "x")],
        {
            "`notify_friends`' handler": _spread(result["ours_ms"]),
            f"{result['requests']} bare `batch_write_item` calls": _spread(result["bare_ms"]),
            "delivered in each round": f"{result['delivered']:,}",
        },
        f"CPU of the whole process, all threads, by `time.process_time`. The handler reads its "
        f"event, claims the task, reads the friends, writes {FRIENDS:,} deliveries and stores the "
        f"result. The bare calls, one after the other, write the same items by a client that boto3 "
        f"made with the project's own `Config`. In turn, {ROUNDS} rounds; medians.",
    )


def _spread(times_ms: list[float]) -> str:
    low, middle, high = statistics.quantiles(times_ms, n=4)
    return f"{middle:.1f} ms (half of the rounds between {low:.1f} and {high:.1f})"
