"""What a Celery task sends: its children, and what becomes of it when they cannot be sent."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from kombu.exceptions import OperationalError

from taskqueue.message import decode
from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "Send")


class Refusing:
    """A queue that refuses so many requests."""

    def __init__(self, memory: InMemory, times: int) -> None:
        self._send = memory.broker.send_message_batch
        self.left = times

    def __call__(self, **request: Any) -> dict[str, Any]:
        if self.left:
            self.left -= 1
            raise THROTTLED
        return self._send(**request)


def test_children_are_recorded_under_their_parent(memory: InMemory) -> None:
    parent: Any = shop.order.delay([1, 2])
    memory.work()
    (first, second) = parent.get()
    assert shop.ran == ["order", 1, 2]
    assert [child.id for child in parent.children] == [first, second]


def test_a_parent_that_runs_again_sends_no_child_twice(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = shop.order.delay([1, 2, 2])
    with monkeypatch.context() as patched:
        patched.setattr(memory.store, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            memory.work()
    memory.work(20 * 60)
    assert sorted(map(str, shop.ran)) == ["1", "2", "2", "order", "order"]
    assert len(set(parent.get())) == 3


def test_a_child_knows_its_parent_and_its_depth(memory: InMemory) -> None:
    parent = shop.put_off.delay()
    memory.work()
    (waiting,) = memory.broker.messages(memory.queues["orders"].url)
    child = decode(waiting.body)
    assert (child.parent_id, child.root_id, child.depth) == (parent.id, parent.id, 1)
    assert child.is_own


def test_tasks_that_send_each_other_for_ever_are_stopped(memory: InMemory) -> None:
    envelope = stock.message(shop.order, [[1]])
    envelope["headers"]["taskqueue_depth"] = 100
    task_id = stock.send(memory, envelope)
    memory.work()
    assert shop.ran == ["order"]
    assert "too many parents above it" in str(shop.app.AsyncResult(task_id).result)


def test_a_send_that_fails_in_the_task_s_own_code_is_its_own_matter(memory: InMemory) -> None:
    result = shop.order_or_not.delay()
    refuse(memory, times=1)
    memory.work()
    assert result.get() == "not ordered"


def test_a_send_that_fails_when_the_task_has_ended_gives_it_back(memory: InMemory) -> None:
    result = shop.price.apply_async((4,), link=shop.echo.s())
    refuse(memory, times=2)
    memory.work()
    assert (shop.ran, result.state) == ([4], "PENDING")
    memory.work(60)
    assert shop.ran == [4, 4, 4, 6.0]
    assert result.get() == 6.0


def test_a_queue_that_is_not_there_is_the_task_s_failure(memory: InMemory) -> None:
    result = shop.price.apply_async((4,), link=shop.echo.s().set(queue="nowhere"))
    memory.work()
    assert isinstance(result.result, OperationalError)
    assert "there is no queue 'nowhere'" in str(result.result)


def die(_ends: Any) -> None:
    raise KeyboardInterrupt


def refuse(memory: InMemory, times: int) -> None:
    """Let the queues refuse so many requests from now on."""
    memory.broker.send_message_batch = Refusing(memory, times)  # type: ignore[method-assign]
