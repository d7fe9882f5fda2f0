"""Time limits of Celery tasks, and what ends their process."""

import time

import pytest
from celery.exceptions import TimeLimitExceeded, WorkerLostError

from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock


def test_a_soft_limit_raises_celery_s_own_error_in_the_task(memory: InMemory) -> None:
    result = shop.tidy.delay()
    memory.work()
    assert result.get() == "tidied"


def test_a_hard_limit_ends_a_task_that_catches_every_exception(memory: InMemory) -> None:
    result = shop.stubborn.delay()
    memory.work()
    with pytest.raises(TimeLimitExceeded):
        result.get()
    assert shop.ran == []
    name = shop.stubborn.name
    assert shop.told[-4:] == [
        ("task_postrun", name),
        ("on_failure", "TimeLimitExceeded"),
        ("after_return", "FAILURE"),
        ("task_failure", name),
    ]


def test_the_caller_s_limits_count_before_the_task_s(memory: InMemory) -> None:
    envelope = stock.message(shop.stubborn, time_limit=0.2, soft_time_limit=0.1)
    task_id = stock.send(memory, envelope)
    began = time.monotonic()
    memory.work()
    assert time.monotonic() - began >= 0.2
    assert shop.ran == ["swallowed"]
    assert shop.app.AsyncResult(task_id).result.args == (0.2,)


def test_a_task_that_leaves_its_process_has_failed_and_others_go_on(memory: InMemory) -> None:
    left, other = shop.leave.delay(), shop.price.delay(4)
    memory.work()
    with pytest.raises(WorkerLostError, match="Worker exited prematurely: SystemExit"):
        left.get()
    assert other.get() == 6.0


def test_a_task_may_not_wait_for_another_s_result(memory: InMemory) -> None:
    result = shop.wait_for.delay(4)
    memory.work()
    with pytest.raises(RuntimeError, match=r"Never call result\.get\(\) within a task"):
        result.get()
