"""A consumer's handler, made by its one line, on the SQS and DynamoDB of the local AWS."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from taskqueue import clock
from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.lambdas import clients, wiring
from taskqueue.lambdas.consumer import consumer
from taskqueue.message import Message, encode
from taskqueue.queue import Queue
from tests.support.wired_queue import deliver, wired_queue

app = App("test", queue="work")
ran: list[str] = []


@app.task(bind=True)
def add(run: Context, a: int, b: int) -> int:
    ran.append(run.id)
    return a + b


@app.task(bind=True, autoretry_for=(ConnectionError,), retry_backoff=1, retry_jitter=False)
def flaky(run: Context) -> str:
    ran.append(run.id)
    if run.retries == 0:
        raise ConnectionError("not yet")
    return "at last"


@app.task
def send_one_more() -> None:
    send_one_more.delay()


@pytest.fixture
def queue(ministack_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """A queue and a table, of which this process knows as a consumer of the stack does."""
    ran.clear()
    with wired_queue("work", ministack_url, monkeypatch) as queue:
        yield queue


def deliver_until(handler: Any, queue: Queue, finished: list[str], **options: Any) -> None:
    deadline = time.monotonic() + 20
    store = wiring.task_store()
    while not all((record := store.get(task_id)) and record.finished for task_id in finished):
        assert time.monotonic() < deadline, "the tasks did not finish"
        deliver(handler, queue, **options)


def test_tasks_run_once_though_each_batch_is_delivered_twice(queue: Queue) -> None:
    handler = consumer(app)
    ids = [f"id-{number}" for number in range(25)]
    for number, task_id in enumerate(ids):
        wiring.sender().send(Message("add", task_id, [number, 1], queue="work"), clock.now_ms())
    deliver_until(handler, queue, ids, twice=True)
    records = [wiring.task_store().get(task_id) for task_id in ids]
    assert [record.result for record in records if record] == [number + 1 for number in range(25)]
    assert sorted(ran) == sorted(ids)


def test_a_stock_client_s_message_without_a_record_runs(queue: Queue) -> None:
    sqs: Any = clients.client("sqs")
    sqs.send_message(QueueUrl=queue.url, MessageBody=encode(Message("add", "a", [1, 2])))
    deliver_until(consumer(app), queue, ["a"])
    record = wiring.task_store().get("a")
    assert record is not None
    assert (record.status, record.result, record.queue) == ("SUCCESS", 3, "work")


def test_a_retry_comes_back_and_ends(queue: Queue) -> None:
    wiring.sender().send(Message("flaky", "a", queue="work"), clock.now_ms())
    deliver_until(consumer(app), queue, ["a"])
    record = wiring.task_store().get("a")
    assert record is not None
    assert (record.result, record.attempts, record.retries) == ("at last", 2, 1)
    assert ran == ["a", "a"]


def test_a_task_due_soon_starts_at_its_time(queue: Queue) -> None:
    due_ms = clock.now_ms() + 1_300
    wiring.sender().send(Message("add", "a", [1, 2], queue="work", eta_ms=due_ms), clock.now_ms())
    deliver_until(consumer(app), queue, ["a"])
    record = wiring.task_store().get("a")
    assert record is not None
    assert record.finished_at_ms is not None
    assert due_ms <= record.finished_at_ms < due_ms + 3_000


def test_a_consumer_bounds_the_depth_as_the_stack_says(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_TASK_DEPTH", "0")
    wiring.sender().send(Message("send_one_more", "a", queue="work"), clock.now_ms())
    deliver_until(consumer(app), queue, ["a"])
    record = wiring.task_store().get("a")
    assert record is not None
    assert record.error is not None
    assert record.error.type == "TooDeep"


def test_poison_goes_to_the_dead_letters_with_its_reason(queue: Queue) -> None:
    sqs: Any = clients.client("sqs")
    sqs.send_message(QueueUrl=queue.url, MessageBody="junk")
    assert deliver(consumer(app), queue) == 1
    (letter,) = sqs.receive_message(
        QueueUrl=wiring.settings().dead_letter_queue_url,
        MessageAttributeNames=["All"],
        WaitTimeSeconds=1,
    )["Messages"]
    assert letter["Body"] == "junk"
    assert "neither JSON" in letter["MessageAttributes"]["reason"]["StringValue"]
    assert deliver(consumer(app), queue) == 0


def test_every_line_of_the_log_names_its_task(
    queue: Queue, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = consumer(App("logged", queue="work", tasks=app.tasks))
    wiring.sender().send(Message("add", "a", [1, 2], queue="work"), clock.now_ms())
    deliver_until(handler, queue, ["a"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (ended,) = [line for line in lines if line.get("message") == "ended"]
    assert (ended["task_id"], ended["task"], ended["status"]) == ("a", "add", "SUCCESS")
    assert ended["function_request_id"] == "request"
    (metrics,) = [line for line in lines if "_aws" in line]
    assert metrics["TasksSucceeded"] == [1.0]
