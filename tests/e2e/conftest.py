"""What the end-to-end tests do with the deployed stack; each test has users of its own."""

import uuid
from collections.abc import Callable

import pytest

from tests.e2e.people import People
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.local.rest import Rest


@pytest.fixture(scope="session")
def rest(stack: Stack) -> Rest:
    """The stack's API, called with its key."""
    return Rest.of(stack)


@pytest.fixture(scope="session")
def readers(stack: Stack) -> Readers:
    """Every feed there is."""
    return Readers.of(stack)


@pytest.fixture(scope="session")
def people(stack: Stack) -> People:
    """Makes users who are friends."""
    return People.of(stack)


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Makes ids that no other test has."""
    return lambda: uuid.uuid4().hex
