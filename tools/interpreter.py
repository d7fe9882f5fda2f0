"""Finding CPython 3.13: the one on PATH, one of pyenv's, or one that uv fetches.

Runs on any Python 3.11 or newer, with the standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from tools.errors import ToolError, say
from tools.paths import LOCAL

WANTED = (3, 13)
UV_REQUIREMENT = "uv==0.9.0"
NONE_FOUND = (
    "CPython 3.13 was not found, neither as python3.13 on PATH nor with pyenv, "
    "and uv could not fetch one; install it, for example with `pyenv install 3.13`"
)

# The base executable, since this one may be a virtual environment's, and end with that.
_PROBE = """
import os, sys
print(sys.implementation.name, *sys.version_info[:2])
print(os.path.realpath(sys._base_executable))
"""


def find_interpreter() -> Path:
    """Path of a CPython 3.13 executable.

    Raises:
        ToolError: there is none, and none can be fetched.
    """
    for candidate in candidates(os.environ):
        if found := probe(candidate):
            return found
    say("python 3.13: none on this machine, fetching one with uv")
    return _fetch_with_uv()


def candidates(environ: dict[str, str] | os._Environ[str]) -> Iterator[Path]:
    """Executables worth asking, the likeliest first: this one, PATH's, pyenv's newest."""
    yield Path(sys.executable)
    if on_path := shutil.which("python3.13", path=environ.get("PATH")):
        yield Path(on_path)
    root = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    installed = (path for path in root.glob("versions/3.13.*") if path.name.count(".") == 2)
    for version in sorted(installed, key=_patch_number, reverse=True):
        yield version / "bin" / "python3.13"


def probe(executable: Path) -> Path | None:
    """The real path of `executable` if it runs and is CPython 3.13 (a pyenv shim may not run)."""
    try:
        answer = subprocess.run(
            [executable, "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_probe(answer.stdout) if answer.returncode == 0 else None


def parse_probe(output: str) -> Path | None:
    """Read what the probe printed: implementation and version on one line, then the path."""
    version, _, path = output.strip().partition("\n")
    return Path(path) if version == f"cpython {WANTED[0]} {WANTED[1]}" and path else None


def _patch_number(version: Path) -> int:
    """13 of `3.13.13`; -1 for a name such as `3.13.0rc1`, so that releases come first."""
    patch = version.name.rpartition(".")[2]
    return int(patch) if patch.isdecimal() else -1


def _fetch_with_uv() -> Path:
    environment = LOCAL / "uv"
    python = environment / "bin" / "python"
    try:
        venv.create(environment, with_pip=True, clear=True)
        _run([python, "-m", "pip", "install", "--quiet", UV_REQUIREMENT])
        _run([environment / "bin" / "uv", "python", "install", "--no-bin", "3.13"])
        found = _run([environment / "bin" / "uv", "python", "find", "--no-project", "3.13"])
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(NONE_FOUND) from error
    if interpreter := probe(Path(found.strip())):
        return interpreter
    raise ToolError(NONE_FOUND)


def _run(command: list[str | Path]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
