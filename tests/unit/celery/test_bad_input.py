"""What no worker can run, store or send fails at once: the record has the reason, errbacks run."""

import json
from typing import Any

import pytest
from celery import chain, chord, group
from celery.exceptions import InvalidTaskError, NotRegistered
from kombu.exceptions import OperationalError

from taskqueue.message import MAX_BYTES
from taskqueue.records.meta import MAX_ERROR_LENGTH
from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock

ADD: dict[str, Any] = {
    "task": shop.echo.name,
    "args": [],
    "kwargs": {},
    "options": {},
    "subtask_type": None,
    "immutable": False,
}
TELL = {**ADD, "task": shop.tell.name}
NO_LISTS = [5, "x", {"a": 1}, True, 1e308, "\ud800", ADD]
NO_SIGNATURES: list[Any] = [
    5,
    None,
    "echo",
    [],
    {},
    {"task": 5},
    {"task": ""},
    {"task": shop.echo.name},
    {**ADD, "args": 5},
    {**ADD, "kwargs": []},
    {**ADD, "options": None},
    {**ADD, "options": {"task_id": 5}},
    {**ADD, "options": {"group_id": ["x"]}},
    {**ADD, "options": {"chord": 5}},
    {**ADD, "options": {"link": [5]}},
    {**ADD, "options": {"link_error": {"task": 5}}},
    {**ADD, "options": {"chain": ["x"]}},
    {**ADD, "subtask_type": "tree"},
    {**ADD, "subtask_type": [1]},
    {**ADD, "subtask_type": "group", "kwargs": {"tasks": [ADD, 5]}},
    {**ADD, "subtask_type": "chord", "kwargs": {"header": [ADD], "body": "x"}},
]


def fails_once(memory: InMemory, task_id: str, reason: str) -> Any:
    """Work for long; see that a task has failed, in one run, for that reason; return its result."""
    memory.work(1_000)
    record = memory.store.get(task_id)
    assert record is not None
    assert (record.status, record.attempts) == ("FAILURE", 1)
    assert not memory.broker.messages(memory.queues["orders"].url)
    result = shop.app.AsyncResult(task_id).result
    assert reason in str(result)
    return result


def test_a_task_that_the_app_has_not_fails_and_tells_its_errbacks(memory: InMemory) -> None:
    gone = shop.app.signature("shop.gone", link_error=[shop.tell.s()])
    result: Any = chain(shop.price.s(4), gone, shop.echo.s()).apply_async()
    error = fails_once(memory, result.parent.id, "shop.gone")
    assert isinstance(error, NotRegistered)
    assert isinstance(result.result, NotRegistered)
    assert ("tell", result.parent.id) in shop.told
    assert [one.reason for one in memory.dead_letters()] == ["the app has no task 'shop.gone'"]


def test_a_chord_hears_of_a_part_that_the_app_has_not(memory: InMemory) -> None:
    body = shop.join.s().on_error(shop.tell.s())
    result: Any = chord([shop.price.s(4), shop.app.signature("shop.gone")], body).delay()
    memory.work(1_000)
    assert isinstance(result.result, NotRegistered)
    assert ("tell", result.id) in shop.told


@pytest.mark.parametrize("name", ["callbacks", "errbacks", "chain"])
@pytest.mark.parametrize("value", [*NO_LISTS, *([one] for one in NO_SIGNATURES)], ids=repr)
def test_a_malformed_list_of_followers_fails_its_task_unrun(
    memory: InMemory, name: str, value: Any
) -> None:
    followers = {"errbacks": [TELL], name: value}
    task_id = stock.send(memory, stock.followed(shop.price, [4], followers))
    assert isinstance(fails_once(memory, task_id, name), InvalidTaskError)
    assert shop.ran == []
    assert (("tell", task_id) in shop.told) == (name != "errbacks")
    (letter,) = memory.dead_letters()
    assert letter.reason.startswith(name)


@pytest.mark.parametrize("value", [one for one in NO_SIGNATURES if one], ids=repr)
def test_a_malformed_chord_fails_its_part_unrun(memory: InMemory, value: Any) -> None:
    followers = {"errbacks": [TELL], "chord": value}
    task_id = stock.send(memory, stock.followed(shop.price, [4], followers))
    fails_once(memory, task_id, "chord")
    assert (shop.ran, ("tell", task_id) in shop.told) == ([], True)


def test_signatures_that_are_nested_without_end_fail_their_task(memory: InMemory) -> None:
    nested: Any = ADD
    for _ in range(700):
        nested = {**ADD, "options": {"link": [nested]}}
    task_id = stock.send(memory, stock.followed(shop.price, [4], {"chain": [nested]}))
    fails_once(memory, task_id, "chain cannot be read: RecursionError")


@pytest.mark.parametrize("kind", ["datetime", "decimal", "uuid", "nothing"])
def test_arguments_of_no_type_that_can_be_read_fail_their_task(memory: InMemory, kind: str) -> None:
    argument = {"__type__": kind, "__value__": "x"}
    task_id = stock.send(memory, stock.followed(shop.price, [argument], {"errbacks": [TELL]}))
    fails_once(memory, task_id, "the arguments cannot be read")
    assert (shop.ran, ("tell", task_id) in shop.told) == ([], True)


@pytest.mark.parametrize(
    "headers",
    [
        {"stamps": 5, "stamped_headers": 5},
        {"stamps": {"a": 1}, "stamped_headers": [["a"], 5]},
        {"stamps": [], "stamped_headers": ["a"]},
        {"group": 5, "group_index": "x"},
        {"parent_id": 5, "root_id": []},
        {"replaced_task_nesting": "x", "timelimit": ["a", -1]},
    ],
    ids=str,
)
def test_headers_that_mean_nothing_keep_no_task_from_running(
    memory: InMemory, headers: dict[str, Any]
) -> None:
    envelope = stock.message(shop.price, [4])
    envelope["headers"] |= headers
    task_id = stock.send(memory, envelope)
    memory.work()
    assert shop.app.AsyncResult(task_id).get() == 6.0


@pytest.mark.parametrize("properties", [None, [1], "x", 5, True, {"delivery_info": 5}], ids=repr)
def test_properties_that_are_no_object_keep_no_task_from_running(
    memory: InMemory, properties: Any
) -> None:
    envelope = stock.message(shop.price, [4])
    envelope["headers"] |= {"_children": 5, "_protected": 5}
    plain = {**envelope, "body": json.dumps([[4], {}, {}]), "properties": properties}
    memory.broker.send_message(QueueUrl=memory.queues["orders"].url, MessageBody=json.dumps(plain))
    memory.work()
    assert shop.app.AsyncResult(envelope["headers"]["id"]).get() == 6.0


def test_a_long_error_is_cut_and_says_what_it_was(memory: InMemory) -> None:
    result = shop.complain.delay("x" * 500_000)
    error = fails_once(memory, result.id, "xxx")
    assert isinstance(error, ValueError)
    assert len(str(error)) == MAX_ERROR_LENGTH


def test_a_long_reason_of_a_rejection_is_cut(memory: InMemory) -> None:
    result = shop.dismiss.delay("x" * 500_000)
    fails_once(memory, result.id, "xxx")


def test_an_empty_header_has_its_body_run_with_no_results(memory: InMemory) -> None:
    chords: list[Any] = [chord([], shop.join.s()), chain(group([]), shop.join.s([]))]
    for one in chords:
        result = one.apply_async()
        memory.work(1_000)
        assert result.get() == []
    assert memory.dead_letters() == []


def test_a_chain_of_ten_thousand_fails_the_task_that_sends_it(memory: InMemory) -> None:
    result = shop.chain_of.apply_async((10_000,), link_error=shop.tell.s())
    fails_once(memory, result.id, f"larger than the {MAX_BYTES:,} bytes")
    assert (shop.ran, ("tell", result.id) in shop.told) == (["chain_of"], True)


def test_a_result_that_is_no_json_is_a_failure(memory: InMemory) -> None:
    result = shop.unwritable.apply_async(link_error=shop.tell.s())
    fails_once(memory, result.id, "Object of type object is not JSON serializable")
    assert (shop.ran, ("tell", result.id) in shop.told) == (["unwritable"], True)


def test_a_body_that_its_joined_results_make_too_large_is_a_failure(memory: InMemory) -> None:
    body = shop.join.s().on_error(shop.tell.s())
    result: Any = chord([shop.bulk.s(300_000) for _ in range(4)], body).delay()
    memory.work(1_000)
    assert shop.ran == ["bulk"] * 4
    assert isinstance(result.result, OperationalError)
    assert f"larger than the {MAX_BYTES:,} bytes" in str(result.result)
    assert ("tell", result.id) in shop.told
    assert not memory.broker.messages(memory.queues["orders"].url)


@pytest.mark.parametrize("task", [shop.grow, shop.overgrow], ids=["retry", "replace"])
def test_a_task_that_sends_itself_again_too_large_is_a_failure(memory: InMemory, task: Any) -> None:
    result = task.apply_async((900_000,), link_error=shop.tell.s())
    fails_once(memory, result.id, f"larger than the {MAX_BYTES:,} bytes")
    assert (len(shop.ran), ("tell", result.id) in shop.told) == (1, True)
