"""Tests of the tasks of a shop."""

import pytest

from examples.tasks.shop import app, charge, check_out, total
from taskqueue.testing import InMemory


def test_a_result() -> None:
    with InMemory(app) as memory:
        result = total.delay([1.5, 2])
        memory.work()
        assert result.get() == 3.5


def test_a_retry_waits_for_its_time() -> None:
    with InMemory(app) as memory:
        result = charge.delay("card")
        memory.work()
        assert result.state == "RETRY"
        memory.work(seconds=10)
        assert result.get() == "charged"


def test_the_exception_and_the_dead_letter() -> None:
    with InMemory(app) as memory:
        result = charge.delay("lost")
        with pytest.raises(ConnectionError, match="does not answer"):
            result.get(timeout=60)
        (letter,) = memory.dead_letters()
        assert letter.reason.startswith("failed after 1 retries")


def test_a_task_that_sends_another() -> None:
    with InMemory(app) as memory:
        result = check_out.delay("card")
        memory.work(seconds=10)
        charged = memory.store.get(result.get())
        assert charged is not None
        assert (charged.task, charged.result) == ("charge", "charged")
