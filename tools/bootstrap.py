"""Make the project's virtual environments: `python3 -m tools.bootstrap [name …]`.

Runs on any Python 3.11 or newer, with the standard library alone, since it runs before anything
is installed. Each environment comes from one pinned requirements file and is made anew only when
that file, or the interpreter, changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, run_tool, say
from tools.interpreter import find_interpreter
from tools.paths import (
    CELERY_ENVIRONMENT,
    DEV_ENVIRONMENT,
    LOCAL,
    MINISTACK_ENVIRONMENT,
    REQUIREMENTS,
    SAM_ENVIRONMENT,
)
from tools.shell import run_logged

OLDEST_PYTHON = (3, 11)
STAMP = "requirements.sha256"


@dataclass(frozen=True)
class Environment:
    """One virtual environment: its short name, its folder and its pinned requirements."""

    name: str
    folder: Path

    @property
    def requirements(self) -> Path:
        """The file that lists, pinned, what is installed in it."""
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def log(self) -> Path:
        """Where its installation writes what it did."""
        return LOCAL / "logs" / f"install-{self.name}.log"


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("dev", DEV_ENVIRONMENT),
        Environment("sam", SAM_ENVIRONMENT),
        Environment("ministack", MINISTACK_ENVIRONMENT),
        Environment("celery", CELERY_ENVIRONMENT),
    )
}


def chosen(names: list[str]) -> list[Environment]:
    """The environments named, or all of them where none is.

    Raises:
        ToolError: a name that is no environment's.
    """
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        raise ToolError(f"no environment {unknown[0]!r}; there are {', '.join(ENVIRONMENTS)}")
    return [ENVIRONMENTS[name] for name in names or ENVIRONMENTS]


def fingerprint(requirements: str, interpreter: Path) -> str:
    """Hex SHA-256 over what an environment is made from."""
    return hashlib.sha256(f"{interpreter}\n{requirements}".encode()).hexdigest()


def is_current(environment: Environment, wanted: str) -> bool:
    """Whether the environment was finished from the same requirements and interpreter."""
    stamp = environment.folder / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


def make(environment: Environment, interpreter: Path) -> None:
    """Make the environment unless it is current.

    Raises:
        ToolError: it could not be made; names the log.
    """
    wanted = fingerprint(environment.requirements.read_text(), interpreter)
    if is_current(environment, wanted):
        return
    started = time.monotonic()
    say(f"{environment.folder.name}: installing")
    _install(environment, interpreter)
    (environment.folder / STAMP).write_text(wanted)
    say(f"{environment.folder.name}: ready ({time.monotonic() - started:.0f} s)")


def _install(environment: Environment, interpreter: Path) -> None:
    failure = f"{environment.folder.name} could not be installed"
    python = environment.folder / "bin" / "python"
    run_logged([interpreter, "-m", "venv", "--clear", environment.folder], environment.log, failure)
    run_logged(
        [python, "-m", "pip", "install", "--no-input", "-r", environment.requirements],
        environment.log,
        failure,
    )


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep a second bootstrap waiting until the first is done."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Make the environments named on the command line, or all of them."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise ToolError("the tools need Python 3.11 or newer to start with")
    environments = chosen(sys.argv[1:])
    with _one_at_a_time():
        interpreter = find_interpreter()
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda environment: make(environment, interpreter), environments))


if __name__ == "__main__":
    run_tool(main)
