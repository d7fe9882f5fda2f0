"""Canvas, composed by the client or inside a task: links, chains, groups and chords."""

import json
from dataclasses import replace
from typing import Any

import pytest
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError

from taskqueue.celery.results import Backend
from taskqueue.message import decode
from taskqueue.records import states
from taskqueue.records.lease import Claim
from taskqueue.records.store import Finish
from taskqueue.testing import InMemory
from taskqueue.testing.records import MemoryResultMetas
from tests.unit.celery import shop, stock
from tests.unit.celery.conftest import NOW_MS


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


def test_errbacks_run_once_the_record_says_failure(memory: InMemory) -> None:
    shop.ship.apply_async(("hat",), link_error=shop.look.s())
    memory.work()
    assert ("look", "FAILURE", "OutOfStock", True) in shop.told


def test_errbacks_of_a_task_whose_worker_died_after_its_end_are_told_by_the_record(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    errbacks = [shop.look.s(), shop.explain.s(), shop.tell.s()]
    result: Any = shop.ship.apply_async(("hat",), link_error=errbacks)
    with monkeypatch.context() as patched:
        patched.setattr(Backend, "call_errbacks", die)
        with pytest.raises(KeyboardInterrupt):
            memory.work()
    assert result.state == "FAILURE"
    memory.work(20 * 60)
    assert ("look", "FAILURE", "OutOfStock", True) in shop.told
    assert ("explain", result.id, "('hat', 3)") in shop.told
    assert ("tell", result.id) in shop.told


def test_an_errback_is_sent_once_when_every_message_comes_twice(memory: InMemory) -> None:
    result: Any = shop.ship.apply_async(("hat",), link_error=shop.tell.s())
    for _ in range(3):
        double(memory)
        memory.work()
    assert shop.told.count(("tell", result.id)) == 1


def test_an_errback_and_the_same_task_sent_by_the_failing_one_both_run(memory: InMemory) -> None:
    result: Any = shop.ship_and_tell.apply_async(link_error=shop.tell.s())
    memory.work()
    assert shop.told.count(("tell", result.id)) == 2


def test_a_task_that_says_failure_of_itself_calls_no_errbacks(memory: InMemory) -> None:
    result: Any = shop.give_up.apply_async(link_error=shop.tell.s())
    memory.work()
    assert result.state == "FAILURE"
    assert ("tell", result.id) not in shop.told


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


def test_a_group_s_results_are_joined_and_restored(memory: InMemory) -> None:
    result: Any = group(shop.price.s(n) for n in (4, 2)).apply_async()
    result.save()
    memory.work()
    assert result.get() == [6.0, 3.0]
    assert shop.app.GroupResult.restore(result.id).get() == [6.0, 3.0]


def test_a_chord_s_body_gets_the_results_in_their_order(memory: InMemory) -> None:
    result: Any = chord([shop.price.s(n) for n in (4, 2, 6)], shop.join.s("more")).apply_async()
    memory.work()
    assert result.get() == [6.0, 3.0, 9.0, "more"]
    assert [part.get() for part in result.parent.results] == [6.0, 3.0, 9.0]


def test_a_chord_s_body_runs_once_when_every_message_comes_twice(memory: InMemory) -> None:
    result: Any = chord([shop.price.s(n) for n in range(150)], shop.join.s()).apply_async()
    for _ in range(3):
        double(memory)
        memory.work()
    memory.work(60)
    assert result.get() == [n * 1.5 for n in range(150)]
    assert shop.ran.count("join") == 1
    assert len(shop.ran) == 151


def test_a_part_whose_worker_died_after_its_end_is_told_to_its_chord(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    result: Any = chord([shop.price.s(n) for n in (4, 2)], shop.join.s()).apply_async()
    with monkeypatch.context() as patched:
        patched.setattr(MemoryResultMetas, "add", die)
        with pytest.raises(KeyboardInterrupt):
            memory.work()
    memory.work(20 * 60)
    assert result.get() == [6.0, 3.0]
    assert sorted(map(str, shop.ran)) == ["2", "4", "join"]


def test_a_part_that_fails_fails_the_body_and_calls_its_errbacks(memory: InMemory) -> None:
    body = shop.join.s().on_error(shop.explain.s())
    result: Any = chord([shop.price.s(4), shop.ship.s("hat")], body).apply_async()
    memory.work()
    with pytest.raises(shop.OutOfStock):
        result.get()
    assert "join" not in shop.ran
    ((_, body_id, error),) = [one for one in shop.told if one[0] == "explain"]
    assert body_id == result.id
    assert "raised OutOfStock('hat', 3)" in error


def test_what_follows_a_chord_that_fails_fails_by_the_same_error(memory: InMemory) -> None:
    failing = chord([shop.ship.s("hat"), shop.ship.s("cap")], shop.join.s())
    result: Any = chain(failing, chord([shop.echo.s(), shop.echo.s()], shop.join.s())).apply_async()
    memory.work()
    assert isinstance(shop.app.AsyncResult(result.id).result, shop.OutOfStock)


def test_a_chord_around_one_whose_header_fails_fails_and_calls_its_errbacks(
    memory: InMemory,
) -> None:
    for body in (shop.join.s(), chain(shop.echo.s(), shop.join.s())):
        innermost = chord([shop.price.s(4), shop.ship.s("hat")], body)
        inner = chord([shop.echo.s(1), innermost], chain(shop.join.s(), shop.echo.s()))
        outer = shop.join.s().on_error(shop.explain.s())
        result: Any = chord([shop.echo.s(2), inner], outer).apply_async()
        memory.work()
        assert isinstance(result.result, shop.OutOfStock)
        assert [one[1] for one in shop.told if one[0] == "explain"][-1] == result.id


def test_a_chord_around_a_chain_that_fails_before_its_last_group_or_chord_fails(
    memory: InMemory,
) -> None:
    rests = [
        group(shop.echo.s(), shop.echo.s()),
        chord([shop.echo.s(), shop.echo.s()], shop.join.s()),
    ]
    for rest in rests:
        header = [shop.echo.s(1), chain(shop.ship.s("hat"), rest)]
        result: Any = chord(header, shop.join.s()).apply_async()
        memory.work()
        assert isinstance(result.result, shop.OutOfStock)


def test_all_results_of_a_body_fail_whose_header_fails(memory: InMemory) -> None:
    two = [shop.echo.s(), shop.echo.s()]
    bodies = [
        chain(group(two), shop.join.s()),
        chord(two, shop.join.s()),
        chain(shop.echo.s(), group(two)),
    ]
    for body in bodies:
        result: Any = chord([shop.price.s(4), shop.ship.s("hat")], body).apply_async()
        memory.work()
        for one in getattr(result, "results", [result]):
            assert isinstance(one.result, shop.OutOfStock)


def test_the_errbacks_of_a_body_that_is_a_chord_are_told(memory: InMemory) -> None:
    body = chord([shop.echo.s(), shop.echo.s()], shop.join.s().on_error(shop.tell.s()))
    result: Any = chord([shop.price.s(4), shop.ship.s("hat")], body).apply_async()
    memory.work()
    assert isinstance(result.result, shop.OutOfStock)
    assert shop.told.count(("tell", result.id)) == 1


def test_the_results_of_a_group_fail_that_follows_a_failure(memory: InMemory) -> None:
    following = group(shop.echo.s(), chain(shop.echo.s(), shop.echo.s()))
    result: Any = chain(shop.price.s(4), shop.ship.s(), following).apply_async()
    memory.work()
    assert [type(one.result) for one in result.results] == [shop.OutOfStock] * 2


def test_parts_that_expire_or_are_revoked_have_failed(memory: InMemory) -> None:
    header = [shop.price.s(4), shop.price.s(2).set(countdown=20, expires=10)]
    result: Any = chord(header, shop.join.s()).apply_async()
    memory.work(20)
    assert isinstance(result.result, TaskRevokedError)


def test_chains_chords_and_groups_are_parts_by_their_last_tasks(memory: InMemory) -> None:
    inner = chord([shop.price.s(2), shop.price.s(4)], shop.join.s())
    header = [chain(shop.price.s(4), shop.price.s(2)), inner, group(shop.echo.s(1))]
    result: Any = chord(header, shop.join.s()).apply_async()
    memory.work()
    assert result.get() == [12.0, [3.0, 6.0], 1]


@pytest.mark.parametrize(("of_a_chord", "added"), [(False, [3.0, 6.0]), (True, [[3.0, 6.0]])])
def test_a_part_may_add_parts_to_its_chord(
    memory: InMemory, of_a_chord: bool, added: list[Any]
) -> None:
    header = [shop.price_all.s([2, 4], of_a_chord=of_a_chord), shop.echo.s(1)]
    result: Any = chord(header, shop.join.s()).apply_async()
    for _ in range(3):
        double(memory)
        memory.work()
    first, second, *others = result.get()
    assert [first, second] == ["all", 1]
    assert sorted(others) == added
    assert shop.ran.count("join") == 1 + of_a_chord


def test_a_group_and_a_task_after_it_are_a_chord(memory: InMemory) -> None:
    result: Any = (group(shop.price.s(n) for n in (4, 2)) | shop.join.s() | shop.echo.s()).delay()
    memory.work()
    assert result.get() == [6.0, 3.0]


def test_a_chord_of_a_task_s_own_whose_worker_died_is_the_same_chord(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.gather.delay([4, 2])
    with monkeypatch.context() as patched:
        patched.setattr(memory.store, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            memory.work()
    memory.work(20 * 60)
    assert sorted(map(str, shop.ran)) == ["2", "4", "gather", "gather", "join"]


def test_a_task_that_another_replaces_has_its_result(memory: InMemory) -> None:
    result: Any = shop.replaced.apply_async((3,), link=shop.echo.s())
    memory.work()
    assert result.get() == 4.5
    assert shop.ran == ["replaced", 3, 4.5]


def test_a_task_that_a_chain_replaces_has_the_result_of_its_last(memory: InMemory) -> None:
    envelope = stock.message(shop.replaced, (3,), {"twice": True})
    task_id = stock.send(memory, envelope)
    memory.work()
    stock.send(memory, envelope)
    memory.work(5)
    assert shop.app.AsyncResult(task_id).get() == 6.75
    assert shop.ran == ["replaced", 3, 4.5]


def test_a_task_that_a_chord_replaces_has_the_result_of_its_body_s_last(memory: InMemory) -> None:
    result: Any = (shop.replaced_by_a_chord.s([4, 2]) | shop.echo.s()).delay()
    memory.work()
    assert result.parent.get() == [6.0, 3.0]
    assert result.get() == [6.0, 3.0]


def test_a_task_that_a_failing_chord_replaces_has_failed(memory: InMemory) -> None:
    result: Any = shop.replaced_by_a_chord.delay([4, 2], fail=True)
    memory.work()
    with pytest.raises(shop.OutOfStock):
        result.get()


def test_a_task_that_replaces_one_whose_end_is_being_written_runs_soon(memory: InMemory) -> None:
    envelope = stock.message(shop.echo, ("new",), replaced_task_nesting=1)
    replaced = replace(decode(json.dumps(envelope)), turn=0)
    lease_until_ms = NOW_MS + 60_000
    memory.store.claim([Claim(replaced, lease_until_ms, "m-1", "n-1")], NOW_MS)
    stock.send(memory, envelope)
    memory.work()
    memory.store.finish(
        [Finish(replaced.id, 1, 0, states.RETRY, b"{}", 0, NOW_MS, next_due_ms=NOW_MS)]
    )
    memory.work(1)
    assert shop.ran == ["new"]


def test_a_body_that_is_a_group_fails_with_each_of_its_tasks(memory: InMemory) -> None:
    body = group(shop.echo.s(), shop.echo.s())
    result: Any = chord([shop.price.s(4), shop.ship.s("hat")], body).apply_async()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shop.app, "connection_for_write", die)
        memory.work()
    assert [type(one.result) for one in result.results] == [shop.OutOfStock] * 2


def double(memory: InMemory) -> None:
    """Let each message that waits come once more."""
    for queue in memory.queues.values():
        for message in list(memory.broker.messages(queue.url)):
            memory.broker.send_message(QueueUrl=queue.url, MessageBody=message.body)


def die(*_arguments: Any) -> None:
    raise KeyboardInterrupt
