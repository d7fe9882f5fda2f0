"""Canvas, composed by the client or inside a task: links, chains, groups and chords."""

from typing import Any

from celery import chain

from taskqueue.testing import InMemory
from tests.unit.celery import shop


def test_links_run_with_the_result(memory: InMemory) -> None:
    result: Any = shop.price.apply_async((4,), link=[shop.echo.s(), shop.echo.si("done")])
    memory.work()
    assert shop.ran == [4, 6.0, "done"]
    (group,) = result.children
    assert group.get() == [6.0, "done"]


def test_errbacks_are_sent_or_called_as_their_arguments_ask(memory: InMemory) -> None:
    result: Any = shop.ship.apply_async(("hat",), link_error=[shop.tell.s(), shop.explain.s()])
    memory.work()
    assert ("explain", result.id, "('hat', 3)") in shop.told
    assert ("tell", result.id) in shop.told


def test_a_chain_hands_on_its_results(memory: InMemory) -> None:
    result: Any = chain(shop.price.s(4), shop.price.s(2), shop.echo.s()).apply_async()
    memory.work()
    assert result.get() == 12.0
    assert result.parent.get() == 12.0
    assert result.parent.parent.get() == 6.0


def test_a_chain_ends_at_its_first_failure(memory: InMemory) -> None:
    result: Any = chain(shop.price.s(4), shop.ship.s(), shop.echo.s()).apply_async()
    memory.work()
    assert shop.ran == [4]
    assert isinstance(result.result, shop.OutOfStock)
    assert isinstance(result.parent.result, shop.OutOfStock)


def test_a_chain_of_a_task_s_own(memory: InMemory) -> None:
    result: Any = shop.chained.delay(3)
    memory.work()
    assert shop.ran == [3, 4.5]
    (last,) = result.children
    assert last.get() == 4.5
