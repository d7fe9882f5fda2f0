"""End the local AWS of one port: `python -m tools.local.stop [--port N]`."""

from __future__ import annotations

import argparse

from tools.errors import run_tool, say
from tools.local.ministack import Ministack, add_port


def main() -> None:
    """End it, with all that is in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_port(parser)
    port = parser.parse_args().port
    ended = Ministack(port).stop()
    say(f"port {port}: {'stopped' if ended else 'nothing of ours was running'}")


if __name__ == "__main__":
    run_tool(main)
