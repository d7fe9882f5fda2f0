"""Write units of a view."""

from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.requests_of import shown
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

VIEWS = 1_000


def measure(stack: Stack, folder: Path) -> Section:
    """Count one batch of views by the consumer's handler."""
    environ = function_environ(stack, "viewsFunction")
    files = copy_built(built_folder(stack), "viewsFunction", folder)
    result = run_probe("view_writes", environ, files, [str(VIEWS)])
    units = sum(result["units"].values())
    return Section(
        "Writes of a view",
        [Check("write units of a view", units / VIEWS, 0.05, "units")],
        {"requests": shown(result["requests"]), "write units of the batch": str(units)},
        f"A batch of ten messages with {VIEWS // 10} views each of 100,000 books of skewed "
        f"popularity, through the consumer's handler; counted as for the fan-out.",
    )
