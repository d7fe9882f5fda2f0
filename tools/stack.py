"""The project's stack on the local AWS: `python -m tools.stack up|down [--port N]`."""

from __future__ import annotations

import argparse
import time

from tools import sam
from tools.deployed import Stack, read_stack
from tools.errors import run_tool, say
from tools.local_policy import grant_partiql_batches
from tools.ministack import DEFAULT_PORT, Ministack


def up(ministack: Ministack) -> Stack:
    """Start the local AWS unless it runs, build, and deploy, or deploy anew.

    Raises:
        ToolError: a step failed; says which, and where to read more.
    """
    started = time.monotonic()
    say("building      sam build")
    sam.build()
    if ministack.start():
        say(f"starting      the local AWS on 127.0.0.1:{ministack.port}")
    else:
        say(f"running       the local AWS on 127.0.0.1:{ministack.port}")
    say("deploying     sam deploy")
    sam.deploy(ministack.endpoint_url)
    stack = read_stack(sam.stack_name(), ministack)
    grant_partiql_batches(stack)
    say(f"deployed      {stack.name} ({time.monotonic() - started:.0f} s)")
    return stack


def down(ministack: Ministack) -> None:
    """End the local AWS and all that is in it."""
    ended = ministack.stop()
    say(f"port {ministack.port}: {'stopped' if ended else 'nothing of ours was running'}")


def arguments(description: str) -> argparse.ArgumentParser:
    """A command line with the port of the local AWS."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the local AWS")
    return parser


def main() -> None:
    """Bring the stack up or take it down."""
    parser = arguments(__doc__ or "")
    parser.add_argument("action", choices=("up", "down"))
    chosen = parser.parse_args()
    ministack = Ministack(chosen.port)
    if chosen.action == "up":
        up(ministack)
    else:
        down(ministack)


if __name__ == "__main__":
    run_tool(main)
