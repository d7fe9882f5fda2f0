"""Docker, the Lambda base image, and `sam local` on the deployed stack."""

import os
from collections.abc import Iterator

import pytest

from tests.support.sam_local import SamLocal, prepare, reached_by_containers
from tools.errors import ToolError
from tools.local.deployed import Stack
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
    """`sam local` on the deployed stack's tables and queues."""
    with reached_by_containers(stack):
        yield prepare(stack, tmp_path_factory.mktemp("sam-local"))
