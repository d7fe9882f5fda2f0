"""How the tools speak: progress line by line; where they cannot go on, one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable


class ToolError(Exception):
    """A tool cannot go on; the message says why and what to do, in one sentence."""


def run_tool(main: Callable[[], None]) -> None:
    """Run `main`; end the process with one sentence where it raises ToolError or is interrupted."""
    try:
        main()
    except ToolError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted")


def say(line: str) -> None:
    """Print one line of progress, whole even when several threads print."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
