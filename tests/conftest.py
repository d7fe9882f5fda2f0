"""The deployed stack that the end-to-end tests and those of `sam local` share."""

from collections.abc import Iterator

import pytest

from tools.deployed import Stack
from tools.ministack import Ministack
from tools.ports import free_port
from tools.stack import up


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The project's stack, built and deployed to a local AWS of its own, on a free port."""
    ministack = Ministack(free_port())
    try:
        yield up(ministack)
    finally:
        ministack.stop()
