"""The shop's Celery app on queues and records in memory."""

from collections.abc import Iterator

import pytest

from taskqueue.celery.testing import in_memory
from taskqueue.testing import InMemory
from tests.unit.celery import shop

NOW_MS = 1_795_370_400_000


@pytest.fixture
def memory() -> Iterator[InMemory]:
    shop.ran.clear()
    shop.told.clear()
    with in_memory(shop.app, NOW_MS) as memory:
        yield memory
