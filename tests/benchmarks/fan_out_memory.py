"""Peak memory of a fan-out to 1,045 friends."""

from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

FRIENDS = 1_045


def measure(stack: Stack, folder: Path) -> Section:
    """Run the task and its parts in one fresh process."""
    environ = function_environ(stack, "notificationsFunction")
    files = copy_built(built_folder(stack), "notificationsFunction", folder)
    result = run_probe("fan_out_memory", environ, files, [str(FRIENDS)])
    return Section(
        f"Memory of a fan-out to {FRIENDS:,} friends",
        [Check("peak resident set", result["peak_mb"], 100.0, "MB")],
        {"delivered": f"{result['delivered']:,}"},
        "The built consumer in a fresh process, which takes the task and its parts from the queue "
        "one batch after the other; the largest resident set that the kernel saw.",
    )
