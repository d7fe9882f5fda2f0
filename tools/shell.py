"""Running other programs: their output into a log, their failure into one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.errors import ToolError

Command = Sequence[str | Path]


def run_logged(
    command: Command,
    log: Path,
    failure: str,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run `command` without input, its output appended to `log`.

    Raises:
        ToolError: it is missing or ends with an error; `failure` says what could not be done.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        start = output.tell()
        try:
            done = subprocess.run(
                command,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                env=environ,
                cwd=cwd,
                check=False,
            )
        except OSError as error:
            raise ToolError(f"{failure}: {error}") from error
    if done.returncode != 0:
        reason = last_line(log.read_bytes()[start:].decode(errors="replace"))
        raise ToolError(f"{failure}: {reason} (all of it: {log})")


def last_line(text: str) -> str:
    """The last line of `text` that is not blank, or nothing."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
