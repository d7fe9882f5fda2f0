"""The API of every integration test, on tables and queues that are empty for each."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.api_stack import Send, Stack, empty_stack
from tests.support.gateway import call


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, ministack_url: str) -> Iterator[Stack]:
    """What is behind the API."""
    with empty_stack(monkeypatch, ministack_url) as stack:
        yield stack


@pytest.fixture
def write(stack: Stack) -> Send:
    """Send a request to the write side."""
    from functions.producer.app import handler

    return partial(call, handler)


@pytest.fixture
def read(stack: Stack) -> Send:
    """Send a request to the read side."""
    from functions.query.app import handler

    return partial(call, handler)
