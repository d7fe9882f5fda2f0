"""The reads of `GET /books/top`."""

from pathlib import Path

from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack


def measure(stack: Stack, folder: Path) -> Section:
    """Ask for the ranking that was stored last."""
    environ = function_environ(stack, "QueryFunction")
    files = copy_built(built_folder(stack), "QueryFunction", folder)
    result = run_probe("top_reads", environ, files)
    return Section(
        "Reads of `GET /books/top`",
        [
            Check("requests", result["requests"], 1, "requests"),
            Check("the item read", result["bytes"], 4096, "bytes"),
        ],
        method="Through the query function's handler, after the rankings above.",
    )
