"""A Celery task that is to run again, or that has nothing to say: retry, Reject, Ignore."""

import pytest

from taskqueue.message import decode
from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock


def test_a_retry_runs_again_at_its_time_as_a_turn_of_the_same_task(memory: InMemory) -> None:
    result = shop.charge.delay(1)
    memory.work()
    assert (result.state, shop.ran) == ("RETRY", [0])
    assert isinstance(result.result, ConnectionError)
    memory.work(29)
    assert shop.ran == [0]
    memory.work(1)
    assert (result.get(), shop.ran) == ("hello 1", [0, 1])
    record = memory.store.get(result.id)
    assert record is not None
    assert (record.attempts, record.retries, record.turn) == (2, 1, 1)
    assert ("on_retry", "ConnectionError") in shop.told
    assert ("task_retry", shop.charge.name) in shop.told


def test_a_late_copy_of_the_first_message_does_not_run_a_retry_early(memory: InMemory) -> None:
    envelope = stock.message(shop.charge, [1])
    task_id = stock.send(memory, envelope)
    memory.work()
    stock.send(memory, envelope)
    memory.work(10)
    assert shop.ran == [0]
    memory.work(20)
    assert shop.app.AsyncResult(task_id).get() == "hello 1"
    assert shop.ran == [0, 1]


def test_a_task_that_is_retried_too_often_fails_and_is_a_dead_letter(memory: InMemory) -> None:
    result = shop.charge.delay(99)
    memory.work(60)
    assert shop.ran == [0, 1, 2]
    assert isinstance(result.result, ConnectionError)
    assert ("on_failure", "ConnectionError") in shop.told
    (letter,) = memory.dead_letters()
    assert letter.reason == "failed after 2 retries: ConnectionError: the bank is closed"


def test_autoretry_backs_off_as_celery_does(memory: InMemory) -> None:
    result = shop.collect.delay(3)
    times = []
    for _ in range(4):
        memory.work()
        record = memory.store.get(result.id)
        assert record is not None
        times.append((record.due_at_ms or memory.now_ms()) - memory.now_ms())
        memory.work(times[-1] / 1000)
    assert times[:3] == [10_000, 20_000, 40_000]
    assert result.get() == 3


def test_a_retry_keeps_the_caller_s_headers_and_no_others(memory: InMemory) -> None:
    stock.send(memory, stock.message(shop.charge, [1], headers={"tenant": "t1"}))
    memory.work()
    (waiting,) = memory.broker.messages(memory.queues["orders"].url)
    message = decode(waiting.body)
    assert (message.retries, message.turn, message.after) == (1, 1, 1)
    assert message.headers["tenant"] == "t1"


def test_a_task_that_sends_its_retry_and_goes_on_runs_again(memory: InMemory) -> None:
    result = shop.go_on.delay()
    memory.work()
    assert (result.state, result.result) == ("SUCCESS", "once")
    memory.work(60)
    record = memory.store.get(result.id)
    assert record is not None
    assert record.result == "twice"


def test_ignore_leaves_what_the_task_last_said(memory: InMemory) -> None:
    result = shop.pack.delay()
    memory.work()
    assert (result.state, result.result) == ("PACKING", {"boxes": 3})
    record = memory.store.get(result.id)
    assert record is not None
    assert record.status == "IGNORED"


def test_a_task_may_write_its_own_failure_and_ignore_the_rest(memory: InMemory) -> None:
    result = shop.give_up.delay()
    memory.work()
    assert result.state == "FAILURE"
    record = memory.store.get(result.id)
    assert record is not None
    assert record.status == "FAILURE"


def test_a_state_of_the_task_s_own_is_seen_while_it_runs(memory: InMemory) -> None:
    result = shop.count.delay()
    memory.work()
    assert result.get() == ["COUNTING", {"of": 3}]


@pytest.mark.parametrize("requeue", [True, False])
def test_reject(memory: InMemory, requeue: bool) -> None:
    result = shop.refuse.delay(requeue=requeue)
    memory.work()
    if not requeue:
        assert result.state == "FAILURE"
        assert ("task_failure", shop.refuse.name) in shop.told
        assert [one.reason for one in memory.dead_letters()] == ["rejected by the task: not mine"]
        return
    assert len(shop.ran) == 1
    memory.work(2)
    assert (shop.ran, result.get()) == ([False, True, True], "mine")
    assert memory.dead_letters() == []


def test_a_retry_of_a_task_that_was_rejected_once_is_no_redelivery(memory: InMemory) -> None:
    result = shop.refuse_and_retry.delay()
    memory.work(2)
    assert (shop.ran, result.get()) == ([False, True, False], "mine")
