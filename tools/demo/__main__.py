"""`make run`: the stack on the local AWS, shown at work. It stays up; `make stop` ends it."""

from __future__ import annotations

import argparse

from tools.demo.beat import wait_for_beat
from tools.demo.books import run_books
from tools.demo.farewell import farewell
from tools.demo.news import run_news
from tools.errors import run_tool, say
from tools.local.ministack import Ministack, add_port
from tools.local.stack import up


def main() -> None:
    """Bring the stack up, show it at work, say how to go on, and wait for beat."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_port(parser)
    stack = up(Ministack(parser.parse_args().port))
    run_news(stack)
    run_books(stack)
    say(farewell(stack))
    wait_for_beat(stack)


if __name__ == "__main__":
    run_tool(main)
