"""The time of a batch of ten tasks that each await a second."""

import statistics
from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

ROUNDS = 5


def measure(stack: Stack, folder: Path) -> Section:
    """Run the batch in new processes, and take the median.

    Raises:
        BenchmarkError: a task did not succeed.
    """
    environ = function_environ(stack, "notificationsFunction")
    files = copy_built(built_folder(stack), "notificationsFunction", folder / "consumer")
    seconds = []
    for _ in range(ROUNDS):
        result = run_probe("async_tasks", environ, files, [])
        if result["statuses"] != ["SUCCESS"]:
            raise BenchmarkError(f"The tasks are {result['statuses']}.")
        seconds.append(result["seconds"])
    return Section(
        "Ten `async def` tasks that each await a second",
        [Check("one batch of them", statistics.median(seconds), 1.5, "s")],
        {"the slowest of the rounds": f"{max(seconds):.2f} s"},
        "The consumer's handler from the event to its answer, which Lambda bills: all are claimed, "
        f"run together, their results stored. Each of the {ROUNDS} rounds is a new process's first "
        f"batch; median.",
    )
