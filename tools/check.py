"""Every check of the project: `python -m tools.check [--lint]`.

Style, types, the template and the lock first, two at a time; then one pytest run over all tests,
whose coverage of layers and functions and whose own closing line are the last that is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.errors import ToolError, run_tool, say
from tools.local.ministack import REGION, credentials
from tools.local.sam import sam_environ
from tools.paths import DEV_ENVIRONMENT, ROOT, SAM, UV
from tools.shell import Command

TYPED = ("layers", "functions", "tools", "tests", "examples/tasks")
TESTS = (
    "tests/unit",
    "tests/rules",
    "tests/contract",
    "tests/integration",
    "tests/e2e",
    "tests/sam_local",
)


@dataclass(frozen=True)
class Step:
    """One check: its name and the command that fails where it does not hold."""

    name: str
    command: Command


def static_steps() -> list[Step]:
    """What can be checked without running the project, the slowest first."""
    programs = DEV_ENVIRONMENT / "bin"
    return [
        Step("mypy --strict", (programs / "mypy", "--strict", *TYPED)),
        Step("sam validate --lint", (SAM, "validate", "--lint", "--region", REGION)),
        Step("uv lock --check", (UV, "lock", "--check", "--quiet")),
        Step("ruff check", (programs / "ruff", "check", ".")),
        Step("ruff format --check", (programs / "ruff", "format", "--check", ".")),
    ]


def check(step: Step, environ: Mapping[str, str]) -> bool:
    """Run one step; print its name with its time, or with all that it printed if it failed."""
    started = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode == 0:
        say(f"ok      {step.name} ({seconds:.0f} s)")
    else:
        say(f"FAILED  {step.name} ({seconds:.0f} s)\n{done.stdout.rstrip()}")
    return done.returncode == 0


def run_static() -> None:
    """Run the static steps.

    Raises:
        ToolError: some failed.
    """
    environ = sam_environ({**os.environ, **credentials()})
    with ThreadPoolExecutor(max_workers=2) as pool:
        held = list(pool.map(lambda step: check(step, environ), static_steps()))
    if not all(held):
        raise ToolError("the checks above failed")


def run_tests() -> int:
    """Run all tests in one go; returns pytest's exit status."""
    command: Command = [DEV_ENVIRONMENT / "bin" / "pytest", "-q", "--cov", "--cov-report=", *TESTS]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lint", action="store_true", help="without the tests")
    chosen = parser.parse_args()
    run_static()
    if not chosen.lint:
        sys.exit(run_tests())


if __name__ == "__main__":
    run_tool(main)
