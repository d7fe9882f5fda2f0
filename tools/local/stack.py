"""The project's stack on the local AWS: `python -m tools.local.stack up|build [--port N]`."""

from __future__ import annotations

import argparse
import time

from tools.errors import run_tool, say
from tools.local import sam
from tools.local.deployed import Stack, read_stack
from tools.local.gateway import put_gateway_responses
from tools.local.ministack import Ministack, add_port
from tools.local.policy import grant_local_permissions


def up(ministack: Ministack) -> Stack:
    """Start the local AWS unless it runs, build, and deploy, or deploy anew.

    Raises:
        ToolError: a step failed; says which, and where to read more.
    """
    started = time.monotonic()
    was_started = ministack.start()
    say(f"{'started' if was_started else 'running':14}the local AWS on 127.0.0.1:{ministack.port}")
    say("building      sam build")
    sam.build(ministack.built)
    say("deploying     sam deploy")
    template = ministack.built / "template.yaml"
    sam.deploy(template, ministack.endpoint_url)
    stack = read_stack(sam.stack_name(), ministack)
    grant_local_permissions(stack)
    put_gateway_responses(stack, template)
    say(f"deployed      {stack.name} ({time.monotonic() - started:.0f} s)")
    return stack


def main() -> None:
    """Bring the stack up, or only build it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("up", "build"))
    add_port(parser)
    chosen = parser.parse_args()
    if chosen.action == "up":
        up(Ministack(chosen.port))
    else:
        sam.build()
        say(f"built         {sam.BUILT}")


if __name__ == "__main__":
    run_tool(main)
