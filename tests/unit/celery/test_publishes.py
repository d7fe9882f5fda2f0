"""A task that is published again under its id: it runs again, and no copy of a message does."""

from datetime import UTC, datetime
from typing import Any

from celery import chord, group

from taskqueue.message import TURNS_OF_A_PUBLISH
from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock


def turn_of(memory: InMemory, task_id: str) -> int:
    record = memory.store.get(task_id)
    assert record is not None
    return record.turn


def test_a_task_that_is_published_again_runs_again(memory: InMemory) -> None:
    first = stock.message(shop.price, [4], task_id="p")
    second = stock.message(shop.price, [5], task_id="p")
    stock.send(memory, first)
    memory.work()
    stock.send(memory, second)
    memory.work()
    assert shop.ran == [4, 5]
    assert shop.app.AsyncResult("p").get() == 7.5
    for envelope in (first, second, first):
        stock.send(memory, envelope)
    memory.work(60)
    assert shop.ran == [4, 5]


def test_the_app_itself_may_publish_a_task_again(memory: InMemory) -> None:
    shop.price.apply_async((4,), task_id="p")
    memory.work()
    result = shop.price.apply_async((5,), task_id="p")
    memory.work()
    assert (shop.ran, result.get()) == ([4, 5], 7.5)


def test_a_task_that_fails_and_is_published_again_may_succeed(memory: InMemory) -> None:
    result = shop.charge.apply_async((99,), task_id="p")
    memory.work(60)
    assert result.state == "FAILURE"
    again = shop.charge.apply_async((1,), task_id="p")
    memory.work(30)
    assert again.get() == "hello 1"
    assert shop.ran == [0, 1, 2, 0, 1]
    assert turn_of(memory, "p") == TURNS_OF_A_PUBLISH + 1


def test_another_publish_waits_for_the_one_before(memory: InMemory) -> None:
    retried, other = (stock.message(shop.charge, [n], task_id="p") for n in (1, 0))
    stock.send(memory, retried)
    memory.work()
    stock.send(memory, other)
    memory.work(20)
    assert shop.ran == [0]
    memory.work(30)
    assert shop.ran == [0, 1, 0]
    stock.send(memory, retried)
    stock.send(memory, other)
    memory.work(60)
    assert shop.ran == [0, 1, 0]


def test_two_publishes_that_come_together_both_run(memory: InMemory) -> None:
    for pieces in (4, 5):
        stock.send(memory, stock.message(shop.price, [pieces], task_id="p"))
    memory.work(10)
    assert sorted(shop.ran) == [4, 5]


def test_each_publish_waits_for_its_own_time(memory: InMemory) -> None:
    for pieces, seconds in ((4, 3_600), (5, 7_200), (6, 0)):
        due = datetime.fromtimestamp(memory.now_ms() / 1000 + seconds, UTC)
        stock.send(memory, stock.message(shop.price, [pieces], task_id="p", eta=due))
    memory.work(3 * 3_600)
    assert sorted(shop.ran) == [4, 5, 6]


def test_a_task_that_was_revoked_stays_so_when_it_is_published_again(memory: InMemory) -> None:
    shop.price.apply_async((4,), task_id="p", countdown=60)
    memory.store.revoke("p", memory.now_ms())
    shop.price.apply_async((5,), task_id="p")
    memory.work(120)
    assert (shop.ran, shop.app.AsyncResult("p").state) == ([], "REVOKED")


def test_a_chain_that_is_published_again_runs_again(memory: InMemory) -> None:
    chained: Any = shop.price.s(4) | shop.echo.s() | shop.echo.s()
    chained.freeze()
    for _ in range(2):
        result = chained.apply_async()
        memory.work()
        assert result.get() == 6.0
    assert shop.ran == [4, 6.0, 6.0] * 2


def test_a_task_that_another_replaces_is_replaced_again(memory: InMemory) -> None:
    chained: Any = shop.replaced.s(4, twice=True) | shop.echo.s()
    chained.freeze()
    for _ in range(2):
        result = chained.apply_async()
        memory.work()
        assert result.get() == 9.0
    assert shop.ran == ["replaced", 4, 6.0, 9.0] * 2


def test_a_chord_that_is_published_again_sends_its_body_again(memory: InMemory) -> None:
    whole: Any = chord(group(shop.price.s(4), shop.price.s(5)), shop.join.s())
    whole.freeze()
    for _ in range(2):
        result = whole.apply_async()
        memory.work()
        assert result.get() == [6.0, 7.5]
    assert shop.ran.count("join") == 2


def test_a_parent_that_is_published_again_sends_its_children_again(memory: InMemory) -> None:
    for _ in range(2):
        shop.order.apply_async(([1, 2],), task_id="p")
        memory.work()
    assert sorted(map(str, shop.ran)) == ["1", "1", "2", "2", "order", "order"]


def test_a_task_sends_another_under_one_id_as_often_as_it_says(memory: InMemory) -> None:
    shop.send_twice.delay("child")
    memory.work(10)
    assert shop.ran == ["send_twice", 1, 1]
