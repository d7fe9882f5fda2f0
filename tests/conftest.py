"""The local AWS: empty, or with the stack deployed, which several kinds of tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tools.local.deployed import Stack
from tools.local.ministack import Ministack
from tools.local.ports import free_port
from tools.local.stack import up

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The project's stack, built and deployed to a local AWS."""
    ministack = Ministack(free_port())
    try:
        yield up(ministack)
    finally:
        ministack.stop()


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """The endpoint of one local AWS for all tests, on a port of its own."""
    local_aws = Ministack(free_port())
    local_aws.start()
    try:
        yield local_aws.endpoint_url
    finally:
        local_aws.stop()
