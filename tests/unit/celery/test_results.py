"""A Celery app's plain tasks: what they are given, and how they end."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError
from kombu.exceptions import EncodeError

from taskqueue.celery.testing import in_memory
from taskqueue.records.item import item_id
from taskqueue.testing import InMemory
from tests.unit.celery import shop, stock
from tests.unit.celery.conftest import NOW_MS


def meta(memory: InMemory, task_id: str) -> dict[str, Any]:
    """Return what Celery's DynamoDB backend would read."""
    found = memory.store.meta(item_id(task_id))
    assert found is not None
    read: dict[str, Any] = json.loads(found)
    return read


def test_a_task_s_result_is_there_for_the_app_and_for_a_stock_client(memory: InMemory) -> None:
    result = shop.price.delay(4)
    assert result.state == "PENDING"
    memory.work()
    assert result.get() == 6.0
    record = memory.store.get(result.id)
    assert record is not None
    assert (record.status, record.result, record.attempts) == ("SUCCESS", 6.0, 1)
    read = meta(memory, result.id)
    assert (read["status"], read["result"], read["task_id"]) == ("SUCCESS", 6.0, result.id)
    assert (read["children"], read["traceback"]) == ([], None)
    assert datetime.fromisoformat(read["date_done"]) == datetime.fromtimestamp(NOW_MS / 1000, UTC)


def test_a_stock_client_s_message_runs(memory: InMemory) -> None:
    task_id = stock.send(memory, stock.message(shop.price, [4], {"each": 2}))
    memory.work()
    assert shop.app.AsyncResult(task_id).get() == 8


def test_a_message_that_comes_twice_runs_once(memory: InMemory) -> None:
    envelope = stock.message(shop.price, [4])
    stock.send(memory, envelope)
    stock.send(memory, envelope)
    memory.work()
    assert shop.ran == [4]


def test_the_request_has_celery_s_fields(memory: InMemory) -> None:
    names = ["id", "args", "kwargs", "retries", "hostname", "eta", "expires", "root_id"]
    names += ["parent_id", "group", "group_index", "called_directly", "is_eager", "timelimit"]
    names += ["correlation_id", "delivery_info", "headers", "origin", "ignore_result"]
    expires = datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(hours=1)
    envelope = stock.message(
        shop.seen,
        names,
        expires=expires,
        time_limit=30,
        parent_id="p",
        root_id="r",
        headers={"tenant": "t1"},
        priority=3,
    )
    task_id = stock.send(memory, envelope)
    memory.work()
    request = shop.app.AsyncResult(task_id).get()
    headers = envelope["headers"]
    assert request.pop("delivery_info") == {
        "exchange": "",
        "routing_key": "orders",
        "priority": 3,
        "redelivered": False,
    }
    assert request == {
        "id": task_id,
        "args": names,
        "kwargs": {},
        "retries": 0,
        "hostname": "celery@memory",
        "eta": None,
        "expires": expires.isoformat(),
        "root_id": "r",
        "parent_id": "p",
        "group": None,
        "group_index": None,
        "called_directly": False,
        "is_eager": False,
        "timelimit": [30, None],
        "correlation_id": task_id,
        "headers": {"tenant": "t1"},
        "origin": headers["origin"],
        "ignore_result": None,
    }


def test_arguments_and_results_keep_the_types_that_kombu_writes(memory: InMemory) -> None:
    at = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    result = shop.day_of.delay(at, Decimal("1.50"))
    values = shop.echo.delay({"id": uuid.UUID(int=7), "at": [at]})
    memory.work()
    assert result.get() == [at.isoformat(), "3.00", at]
    assert values.get() == {"id": uuid.UUID(int=7), "at": [at]}
    assert shop.ran == [{"id": uuid.UUID(int=7), "at": [at]}]


def test_messages_of_protocol_1_run(memory: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    envelope = stock.message(
        shop.price, [4], protocol=1, task_id="v1", headers={"tenant": "t1"}, link=shop.echo.s()
    )
    stock.send(memory, envelope)
    stock.send(memory, stock.message(shop.charge, [1], protocol=1, task_id="v1-retried"))
    monkeypatch.setitem(shop.app.conf, "task_protocol", 1)
    memory.work(30)
    assert shop.app.AsyncResult("v1").get() == 6.0
    assert shop.app.AsyncResult("v1-retried").get() == "hello 1"
    assert shop.ran == [4, 0, 6.0, 1]


@pytest.mark.parametrize("compression", ["gzip", "zlib"])
def test_compressed_arguments_run(memory: InMemory, compression: str) -> None:
    task_id = stock.send(memory, stock.message(shop.price, [4], compression=compression))
    memory.work()
    assert shop.app.AsyncResult(task_id).get() == 6.0


@pytest.mark.parametrize(
    ("compression", "named"), [("bzip2", "application/x-bz2"), ("lzma", "application/x-lzma")]
)
def test_arguments_that_are_compressed_otherwise_are_a_dead_letter(
    memory: InMemory, compression: str, named: str
) -> None:
    task_id = stock.send(memory, stock.message(shop.price, [4], compression=compression))
    memory.work()
    (letter,) = memory.dead_letters()
    assert (letter.task_id, shop.ran) == (task_id, [])
    assert letter.reason == f"compression {named!r} is refused: only gzip is read"


def test_a_failure_is_raised_again_where_its_result_is_asked_for(memory: InMemory) -> None:
    result = shop.ship.delay("hat")
    memory.work()
    with pytest.raises(shop.OutOfStock) as raised:
        result.get()
    assert raised.value.args == ("hat", 3)
    read = meta(memory, result.id)
    assert read["result"] == {
        "exc_type": "OutOfStock",
        "exc_message": ["hat", 3],
        "exc_module": "tests.unit.celery.shop",
    }
    assert "raise OutOfStock(item, 3)" in read["traceback"]
    assert memory.dead_letters() == []


def test_arguments_that_do_not_fit_are_the_task_s_failure(memory: InMemory) -> None:
    task_id = stock.send(memory, stock.message(shop.price, [1, 2, 3]))
    memory.work()
    assert meta(memory, task_id)["result"]["exc_type"] == "TypeError"


def test_a_result_that_is_no_json_is_a_failure(memory: InMemory) -> None:
    result = shop.unwritable.delay()
    memory.work()
    assert result.state == "FAILURE"
    with pytest.raises(EncodeError):
        result.get()


def test_a_result_that_is_too_large_is_a_failure(memory: InMemory) -> None:
    result = shop.echo.delay("x" * 400_000)
    memory.work()
    assert isinstance(result.result, EncodeError)
    assert "more than 380000 bytes" in str(result.result)


@pytest.mark.parametrize(("fail", "state"), [(False, "SUCCESS"), (True, "FAILURE")])
def test_a_task_that_ignores_its_result_stores_none(
    memory: InMemory, fail: bool, state: str
) -> None:
    task_id = stock.send(memory, stock.message(shop.forget, kwargs={"fail": fail}))
    memory.work()
    record = memory.store.get(task_id)
    assert record is not None
    assert (record.status, record.result) == (state, None)


def test_a_task_is_routed_to_its_queue(memory: InMemory) -> None:
    result = shop.wait.delay()
    assert len(memory.broker.messages(memory.queues["slow"].url)) == 1
    memory.work()
    assert result.get() == "waited"


def test_a_task_waits_for_its_countdown(memory: InMemory) -> None:
    result = shop.price.apply_async((4,), countdown=20)
    memory.work(19)
    assert shop.ran == []
    memory.work(1)
    assert result.get() == 6.0


def test_a_task_that_has_expired_is_revoked(memory: InMemory) -> None:
    result = shop.price.apply_async((4,), countdown=20, expires=10)
    memory.work(20)
    assert (shop.ran, result.state) == ([], "REVOKED")
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get()
    assert ("task_revoked", shop.price.name) in shop.told


def test_a_task_that_is_revoked_does_not_run(memory: InMemory) -> None:
    result = shop.price.apply_async((4,), countdown=20)
    memory.store.revoke(result.id, memory.now_ms())
    memory.work(20)
    assert (shop.ran, result.state) == ([], "REVOKED")


def test_a_task_that_the_app_has_not_is_a_dead_letter(memory: InMemory) -> None:
    envelope = stock.message(shop.price, [4])
    envelope["headers"]["task"] = "shop.gone"
    stock.send(memory, envelope)
    memory.work()
    assert [one.reason for one in memory.dead_letters()] == ["the app has no task 'shop.gone'"]


def test_signals_and_hooks_come_in_celery_s_order(memory: InMemory) -> None:
    assert shop.told == [("worker_init", None), ("worker_process_init", "celery@memory")]
    shop.told.clear()
    result = shop.charge.delay(0)
    memory.work()
    name = shop.charge.name
    assert shop.told == [
        ("task_received", None),
        ("task_prerun", name),
        ("before_start", result.id),
        ("on_success", "hello 0"),
        ("task_success", name),
        ("after_return", "SUCCESS"),
        ("task_postrun", name),
    ]


@pytest.mark.parametrize("name", ["task_serializer", "result_serializer"])
def test_an_app_that_pickles_is_refused_by_its_setting_s_name(name: str) -> None:
    app = Celery("pickles")
    app.conf[name] = "pickle"
    with pytest.raises(ValueError, match=f"{name} is 'pickle': only 'json' is run here"):
        in_memory(app)
