"""Docker, the Lambda base image, and a way from the containers to the local AWS."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.sam_local import SamLocal, prepare
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.local.docker import host_address
from tools.local.forwarding import forwarded
from tools.local.lambda_base_image import ensure_image

HOW_TO = (
    "`sam local` needs Docker: install it (https://docs.docker.com/engine/install/, or Debian's "
    "docker.io), start it, and run `make test` again"
)


@pytest.fixture(scope="session")
def base_image() -> str:
    """The Lambda base image in a Docker engine; skips, or with REQUIRE_SAM_LOCAL=1 fails."""
    try:
        return ensure_image()
    except ToolError as error:
        if os.environ.get("REQUIRE_SAM_LOCAL") == "1":
            pytest.fail(f"{error}; {HOW_TO}", pytrace=False)
        pytest.skip(f"{error}; {HOW_TO}")


@pytest.fixture(scope="session")
def sam_local(
    base_image: str, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SamLocal]:
    """`sam local` on the deployed stack's tables and queues.

    The local AWS listens on 127.0.0.1 only. Where Docker runs on this machine, a forwarder on the
    address of its bridge is the containers' way there; where it runs in a machine of its own
    (macOS, Windows), that has a way to the host's loopback address itself.
    """
    with ExitStack() as open_things:
        try:
            port = open_things.enter_context(forwarded(host_address(base_image), stack.port))
        except OSError:
            port = stack.port
        yield prepare(stack, port, tmp_path_factory.mktemp("sam-local"))
