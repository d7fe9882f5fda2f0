"""`taskqueue.celery:Control` in a client, a Celery app's worker, and the local AWS between them."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from celery.canvas import StampingVisitor  # type: ignore[attr-defined]
from celery.exceptions import ImproperlyConfigured, TaskRevokedError

from taskqueue.celery import worker
from taskqueue.queue import Queue
from tests.support.wired_queue import deliver, wired_queue

NODE = "celery@orders"
DEADLINE_SECONDS = 30


@pytest.fixture
def orders(ministack_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    with wired_queue("orders", ministack_url, monkeypatch) as queue:
        yield queue


@pytest.fixture
def client(orders: Queue, ministack_url: str) -> Celery:
    """A client that says `control=`, and knows of the stack what a stock client knows."""
    app = Celery(
        "client",
        broker=f"sqs://test:test@{urlsplit(ministack_url).netloc}",
        backend=f"dynamodb://test:test@us-east-1/{os.environ['TASKS_TABLE']}",
        control="taskqueue.celery:Control",
        set_as_current=False,
    )
    app.conf.update(
        task_default_queue="orders",
        dynamodb_endpoint_url=ministack_url,
        result_extended=True,
        broker_transport_options={
            "region": "us-east-1",
            "is_secure": False,
            "predefined_queues": {"orders": {"url": orders.url}},
        },
    )

    @app.task(name="look", max_retries=7, shared=False)
    def look() -> None:
        pass

    return app


@pytest.fixture
def work(orders: Queue, client: Celery) -> Callable[[], None]:
    """What runs the messages of the queue; of its two tasks, `look` asks the client."""
    app = Celery("orders", set_as_current=False)
    app.conf.task_default_queue = "orders"

    @app.task(name="look", bind=True, shared=False)
    def look(self: Any, *questions: str) -> Any:
        inspect = client.control.inspect()
        client.control.revoke(self.request.id, terminate=True)
        return [getattr(inspect, question)() for question in questions]

    @app.task(name="add", shared=False)
    def add(one: int, other: int) -> int:
        return one + other

    handler = worker(app)

    def run() -> None:
        while deliver(handler, orders):
            pass

    return run


def add(client: Celery, *args: Any, **options: Any) -> Any:
    return client.send_task("add", args, **options)


def test_a_queue_answers_a_ping_as_a_worker_would(client: Celery) -> None:
    assert client.control.ping() == [{NODE: {"ok": "pong"}}]
    assert client.control.inspect().ping() == {NODE: {"ok": "pong"}}
    assert client.control.ping(destination=["celery@other"]) == []
    assert client.control.inspect(pattern="celery@ord*").ping() == {NODE: {"ok": "pong"}}
    assert client.control.inspect(pattern="*@other").ping() is None


def test_each_answer_is_told_to_a_callback(client: Celery) -> None:
    told: list[Any] = []
    client.control.inspect(callback=told.append).ping()
    assert told == [{NODE: {"ok": "pong"}}]


def test_what_the_app_itself_knows_is_answered_from_it(client: Celery) -> None:
    inspect: Any = client.control.inspect()
    assert "look [max_retries=7]" in inspect.registered("max_retries")[NODE]
    assert inspect.conf()[NODE]["task_default_queue"] == "orders"
    assert "software -> celery:" in inspect.report()[NODE]["ok"]
    assert inspect.active_queues()[NODE][0]["name"] == "orders"
    assert inspect.clock()[NODE]["clock"] > 0


def test_a_running_task_is_active_and_goes_on_when_it_is_terminated(
    client: Celery, work: Callable[[], None]
) -> None:
    result = client.send_task("look", ["active", "reserved", "scheduled"])
    work()
    active, reserved, scheduled = result.get(timeout=DEADLINE_SECONDS)
    (info,) = active[NODE]
    assert isinstance(info.pop("time_start"), float)
    assert info == {
        "id": result.id,
        "name": "look",
        "type": "look",
        "args": ["active", "reserved", "scheduled"],
        "kwargs": {},
        "hostname": NODE,
        "acknowledged": True,
        "delivery_info": {
            "exchange": "",
            "routing_key": "orders",
            "priority": 0,
            "redelivered": False,
        },
        "worker_pid": None,
    }
    assert (reserved, scheduled) == ({NODE: []}, {NODE: []})
    assert client.control.inspect().active() == {NODE: []}


def test_a_task_that_waits_for_its_time_is_scheduled(
    client: Celery, work: Callable[[], None]
) -> None:
    eta = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    result = add(client, 1, 2, eta=eta)
    work()
    inspect: Any = client.control.inspect()
    (waiting,) = inspect.scheduled()[NODE]
    assert waiting["eta"] == eta.isoformat()
    assert (waiting["request"]["id"], waiting["request"]["args"]) == (result.id, [1, 2])
    assert waiting["request"]["time_start"] is None
    assert inspect.query_task(result.id)[NODE][result.id][0] == "scheduled"
    assert inspect.query_task("unknown") == {NODE: {}}


def test_a_task_is_revoked_before_a_worker_has_seen_it(
    client: Celery, work: Callable[[], None]
) -> None:
    result = add(client, 1, 2)
    result.revoke()
    work()
    with pytest.raises(TaskRevokedError):
        result.get(timeout=DEADLINE_SECONDS)
    assert client.control.inspect().revoked() == {NODE: [result.id]}


def test_a_task_that_waits_for_its_time_is_revoked(
    client: Celery, work: Callable[[], None]
) -> None:
    result = add(client, 1, 2, countdown=3600)
    work()
    result.revoke()
    assert result.state == "REVOKED"


def test_what_has_ended_stays_as_it_is(client: Celery, work: Callable[[], None]) -> None:
    result = add(client, 1, 2)
    work()
    control: Any = client.control
    (answer,) = control.revoke([result.id], reply=True)
    assert "flagged as revoked" in answer[NODE]["ok"]
    (answer,) = control.terminate(result.id, reply=True)
    assert "not terminated" in answer[NODE]["error"]
    assert result.get(timeout=DEADLINE_SECONDS) == 3


def test_tasks_are_revoked_by_their_stamps(client: Celery, work: Callable[[], None]) -> None:
    class Stamped(StampingVisitor):  # type: ignore[misc]
        def on_signature(self, sig: Any, **headers: Any) -> dict[str, Any]:
            return {"order": sig.args[0], "stamped_headers": ["order"]}

    control: Any = client.control
    control.revoke_by_stamped_headers({"order": [7, 8]})
    results = []
    for number in (7, 9):
        signature = client.signature("add", (number, 1))
        signature.stamp(Stamped())
        results.append(signature.delay())
    work()
    with pytest.raises(TaskRevokedError):
        results[0].get(timeout=DEADLINE_SECONDS)
    assert results[1].get(timeout=DEADLINE_SECONDS) == 10


def test_statistics_count_what_has_begun_and_what_is_in_the_queue(
    client: Celery, work: Callable[[], None]
) -> None:
    add(client, 1, 2)
    work()
    add(client, 1, 2)
    stats: Any = client.control.inspect().stats()
    assert (stats[NODE]["total"], stats[NODE]["messages"]) == ({"add": 1}, 1)
    assert stats[NODE]["broker"]["transport"] == "sqs"


def test_what_needs_a_worker_s_process_is_refused(client: Celery) -> None:
    with pytest.raises(NotImplementedError, match="rate_limit: no worker"):
        client.control.rate_limit("add", "1/s")


def test_results_that_are_kept_elsewhere_are_no_records(client: Celery) -> None:
    app = Celery("other", backend="cache+memory://", control="taskqueue.celery:Control")
    with pytest.raises(ImproperlyConfigured, match="result_backend"):
        app.control.ping()
