"""`python -m tests.chaos [--short] [--seed N] [--only PART]`: faults, then everything is counted.

The whole takes some ten minutes and writes docs/chaos.md; `--short` is a smaller campaign alone.
The seed is printed: it draws the same jobs and the same faults again. Ends with 1 when a limit is
missed or could not be measured.
"""

import argparse
import contextlib
import datetime
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks import machine
from tests.benchmarks.report import Check, Section, render
from tests.chaos import campaign, deliveries, fakes, recovery, retries
from tests.chaos.installing import install_tasks, pause_schedules
from tests.chaos.posting import load_friends
from tools.errors import ToolError, run_tool, say
from tools.local.deployed import Stack
from tools.local.ministack import Ministack
from tools.local.ports import free_port
from tools.local.stack import up
from tools.paths import LOCAL, ROOT

PAGE = ROOT / "docs" / "chaos.md"
MAX_SEED = 999_999

type Part = Callable[[Stack, Path, int], Section]

# Each takes the stack, the file of the tasks' runs, and the seed.
PARTS: dict[str, Part] = {
    "campaign": lambda stack, runs, seed: campaign.measure(stack, runs, seed, campaign.FULL),
    "recovery": lambda stack, runs, _: recovery.measure(stack, runs),
    "retries": lambda stack, _runs, _seed: retries.measure(stack),
    "deliveries": lambda stack, _, seed: deliveries.measure(stack, seed),
    "fakes": lambda _stack, _runs, seed: fakes.measure(seed),
}
SHORT: dict[str, Part] = {
    "campaign": lambda stack, runs, seed: campaign.measure(stack, runs, seed, campaign.SHORT),
}


def main() -> None:
    """Carry out what the command line asks for; end the process with 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a small campaign alone")
    parser.add_argument("--only", choices=PARTS, help="one part alone; writes no page")
    parser.add_argument("--seed", type=int, default=random.randint(1, MAX_SEED))
    chosen = parser.parse_args()
    started, now = time.monotonic(), datetime.datetime.now(datetime.UTC)
    parts = SHORT if chosen.short else PARTS
    if chosen.only:
        parts = {chosen.only: PARTS[chosen.only]}
    say(f"seed          {chosen.seed}")
    with _stack() as (stack, runs):
        sections = [_take(name, part, stack, runs, chosen.seed) for name, part in parts.items()]
    if parts is PARTS:
        known = {**machine.describe(now, "make chaos"), "Seed": str(chosen.seed)}
        PAGE.write_text(render("Chaos", sections, known))
        say(f"written       {PAGE.relative_to(ROOT)}")
    say(_last_line(sections, time.monotonic() - started))
    if any(section.missed for section in sections):
        sys.exit(1)


@contextlib.contextmanager
def _stack() -> Iterator[tuple[Stack, Path]]:
    """A stack of its own with the campaign's tasks, and the file in which their runs are noted.

    The log of the local AWS is kept.
    """
    ministack = Ministack(free_port())
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        runs.touch()
        try:
            stack = up(ministack)
            install_tasks(stack, runs)
            pause_schedules(stack)
            load_friends(stack)
            yield stack, runs
        finally:
            log = LOCAL / "logs" / "chaos.log"
            shutil.copy(ministack.log, log)
            ministack.stop()
            say(f"log           {log.relative_to(ROOT)}")


def _take(name: str, part: Part, stack: Stack, runs: Path, seed: int) -> Section:
    """Take one part; one that cannot be taken leaves the others alone."""
    say(f"measuring     {name}")
    try:
        section = part(stack, runs, seed)
    except ToolError as error:
        section = Section(name.capitalize(), problem=str(error))
    for check in section.checks:
        say(f"{'pass' if check.passed else 'MISS':>13} {_said(check)}")
    for what, value in section.values.items():
        say(f"{'':>13} {what}: {value}")
    if section.problem:
        say(f"{'MISS':>13} {section.problem}")
    return section


def _said(check: Check) -> str:
    return f"{check.what}: {check.measured:g} {check.unit}, {check.rule} {check.limit:g}"


def _last_line(sections: Sequence[Section], seconds: float) -> str:
    """How many checks passed and failed, as pytest says it."""
    missed = sum(len(section.missed) for section in sections)
    passed = sum(check.passed for section in sections for check in section.checks)
    counts = [f"{missed} failed"] * bool(missed) + [f"{passed} passed"]
    return f"{', '.join(counts)} in {seconds:.2f}s"


if __name__ == "__main__":
    run_tool(main)
