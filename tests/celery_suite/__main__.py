"""`python -m tests.celery_suite`: Celery's own suite with this project's worker, or with others.

Writes docs/celery-suite.md from the last results of every worker (`recorded/`). Ends with 1 when a
test fails that passes with a stock worker on Redis, and is no named exception.
"""

import argparse
import datetime
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import machine
from tests.celery_suite import record
from tests.celery_suite.exceptions import EXCEPTIONS
from tests.celery_suite.page import render
from tests.celery_suite.results import FAILED, Result, count_line
from tests.celery_suite.run import run
from tests.celery_suite.sdist import unpacked
from tests.celery_suite.verdict import judged
from tests.celery_suite.workers import COMMANDS, OURS, SECONDS, STOCK, TITLES, setting
from tools.errors import run_tool, say
from tools.paths import LOCAL, ROOT

FILES = ("test_tasks", "test_group_chains", "test_inspect", "test_canvas")
_FOLDER = LOCAL / "celery-suite"
_PAGE = ROOT / "docs" / "celery-suite.md"


def main() -> None:
    """Run the suite, and write the page of all results that there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", action="append", choices=TITLES, help=f"else: {OURS}")
    parser.add_argument(
        "--test", action="append", help="as test_canvas.py::test_chain; may be given again"
    )
    chosen = parser.parse_args()
    suite = unpacked(_FOLDER, LOCAL / "logs" / "celery-suite.log")
    tests = chosen.test or [f"{file}.py" for file in FILES]
    found = [(worker, _run(worker, tests, suite)) for worker in chosen.worker or [OURS]]
    _PAGE.write_text(render({worker: record.read(worker) for worker in TITLES}))
    say(f"written       {_PAGE.relative_to(ROOT)}")
    failed = [
        (worker, one) for worker, results in found for one in results if one.outcome == FAILED
    ]
    for worker, one in failed:
        say(f"FAILED        {worker}: {one.test}: {one.reason}")
    say(count_line([one for _, results in found for one in results]))
    if failed:
        sys.exit(1)


def _run(worker: str, tests: Sequence[str], suite: Path) -> list[Result]:
    """Run tests with a worker, record the results, and return them as they are judged."""
    started = datetime.datetime.now(datetime.UTC)
    found: list[Result] = []
    with setting(worker, _FOLDER / worker, suite) as made:
        deadline = time.monotonic() + SECONDS[worker]
        for number, test in enumerate(tests):
            say(f"running       {test} with {TITLES[worker]}")
            left = max(0.0, deadline - time.monotonic())
            results = _FOLDER / "results" / worker / f"{number}.xml"
            found += run([test], made, suite, results, left)
    record.write(worker, machine.describe(started, COMMANDS[worker]), found)
    if worker not in EXCEPTIONS:
        return found
    return judged(found, record.read(STOCK).results, EXCEPTIONS[worker])


if __name__ == "__main__":
    run_tool(main)
