"""`python -m tests.celery_suite`: Celery's own suite with each worker; docs/celery-suite.md.

The workers run beside each other, since most of the suite's time is waiting.
"""

import argparse
import datetime
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks import machine
from tests.celery_suite import results
from tests.celery_suite.page import render
from tests.celery_suite.run import run
from tests.celery_suite.sdist import unpacked
from tests.celery_suite.workers import TITLES, setting
from tools.errors import run_tool, say
from tools.paths import LOCAL, ROOT

FILES = ("test_tasks", "test_group_chains", "test_inspect", "test_canvas")
# What one worker may take in all.
SECONDS = 20 * 60
_FOLDER = LOCAL / "celery-suite"
_PAGE = ROOT / "docs" / "celery-suite.md"


def main() -> None:
    """Run the suite, and write the page of all results that there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", action="append", choices=TITLES, help="one of them only")
    parser.add_argument("--file", action="append", choices=FILES, help="one of them only")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each worker, at most")
    chosen = parser.parse_args()
    started = datetime.datetime.now(datetime.UTC)
    suite = unpacked(_FOLDER, LOCAL / "logs" / "celery-suite.log")
    workers = chosen.worker or list(TITLES)
    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [
            pool.submit(_run_files, worker, chosen.file or FILES, suite, chosen.seconds)
            for worker in workers
        ]:
            done.result()
    found = {worker: results.read(_results(worker)) for worker in TITLES}
    _PAGE.write_text(render(found, TITLES, machine.describe(started, "make celery-suite")))
    say(f"written       {_PAGE.relative_to(ROOT)}")
    say(results.count_line(found["here"]))


def _run_files(worker: str, files: Sequence[str], suite: Path, seconds: float) -> None:
    with setting(worker, _FOLDER / worker, suite) as made:
        deadline = time.monotonic() + seconds
        for file in files:
            say(f"running       {file} with {TITLES[worker]}")
            left = max(0.0, deadline - time.monotonic())
            run(file, made, suite, _results(worker) / f"{file}.xml", left)


def _results(worker: str) -> Path:
    return _FOLDER / "results" / worker


if __name__ == "__main__":
    run_tool(main)
