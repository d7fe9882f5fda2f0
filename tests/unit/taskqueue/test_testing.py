"""An app's tasks run in a unit test, as `docs/testing.md` shows it."""

import re
from pathlib import Path
from typing import Any

import pytest

from taskqueue.app import App
from taskqueue.context import DEFERRED, Context
from taskqueue.errors import NoResult, Retry, TaskNotFound
from taskqueue.groups.completion import done_key, planned_key
from taskqueue.message import Message
from taskqueue.testing import InMemory

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
NOW_MS = 1_795_370_400_000

app = App("shop", queue="orders")


class OutOfStock(Exception):
    """There is nothing left to send."""


@app.task
def price(pieces: int, each: float = 1.5) -> float:
    return pieces * each


@app.task
def ship(item: str) -> None:
    raise OutOfStock(item, object())


@app.task(bind=True, autoretry_for=(ConnectionError,), retry_backoff_seconds=10, max_retries=2)
def charge(run: Context, failures: int) -> int:
    if run.retries < failures:
        raise ConnectionError("the bank is closed")
    return run.attempt


@app.task(bind=True)
def ask(run: Context) -> None:
    raise run.retry(60, OutOfStock("later"))


@app.task(bind=True, queue="slow")
def parent(run: Context, parts: int) -> Any:
    messages = [Message("part", f"{run.id}.{n}", [run.id, n], queue="orders") for n in range(parts)]
    run.sender.send_unrecorded(messages, run.now_ms())
    run.plan_parts(planned_key(0, "p", parts, parts, last=True))
    return DEFERRED


@app.task(bind=True, idempotent=True)
def part(run: Context, parent_id: str, index: int) -> None:
    parts = run.store.finish_part(parent_id, done_key(0, "p", index, 1))
    if parts.complete:
        run.store.complete(Message("parent", parent_id), parts.count, run.now_ms())


@pytest.fixture
def run() -> InMemory:
    return InMemory(app, NOW_MS)


def test_a_task_runs_when_the_worker_works(run: InMemory) -> None:
    task_id = run.delay(price, 3, each=2)
    with pytest.raises(NoResult, match="PENDING"):
        run.get(task_id)
    run.work()
    assert run.get(task_id) == 6
    assert run.now_ms() == NOW_MS


def test_the_task_s_own_exception_is_raised(run: InMemory) -> None:
    task_id = run.delay(ship, "hat")
    run.work()
    with pytest.raises(OutOfStock) as caught:
        run.get(task_id)
    assert caught.value.args[0] == "hat"
    assert caught.value.__traceback__ is not None
    assert run.dead_letters() == []


def test_retries_wait_for_their_time(run: InMemory) -> None:
    task_id = run.delay(charge, 1)
    run.work()
    with pytest.raises(NoResult, match="RETRY"):
        run.get(task_id)
    run.work(seconds=10)
    assert run.get(task_id) == 2
    assert run.now_ms() == NOW_MS + 10_000


def test_exhausted_retries_are_a_dead_letter(run: InMemory) -> None:
    task_id = run.delay(charge, 99)
    run.work(seconds=3_600)
    with pytest.raises(ConnectionError, match="the bank is closed"):
        run.get(task_id)
    (letter,) = run.dead_letters()
    assert (letter.task_id, letter.task) == (task_id, "charge")
    assert letter.reason.startswith("failed after 2 retries")


def test_a_retry_s_cause_is_what_is_raised_in_the_end(run: InMemory) -> None:
    task_id = run.delay(ask)
    run.work(seconds=3_600)
    with pytest.raises(OutOfStock, match="later"):
        run.get(task_id)


def test_a_task_is_never_run_before_its_eta(run: InMemory) -> None:
    run.send(Message("price", "later", [1], queue="orders", eta_ms=NOW_MS + 3_600_500))
    run.work(seconds=3_599)
    with pytest.raises(NoResult):
        run.get("later")
    run.work(seconds=2)
    assert run.get("later") == 1.5
    record = run.store.get("later")
    assert record is not None
    assert record.finished_at_ms == NOW_MS + 3_600_500


def test_what_was_expired_has_no_result(run: InMemory) -> None:
    run.send(Message("price", "old", [1], queue="orders", expires_at_ms=NOW_MS))
    run.work()
    with pytest.raises(NoResult, match="REVOKED"):
        run.get("old")


def test_arguments_travel_as_json(run: InMemory) -> None:
    with pytest.raises(TypeError):
        run.delay(price, object())


def test_poison_is_a_dead_letter(run: InMemory) -> None:
    task_id = run.delay(price, 1, 2, 3)
    run.work()
    (letter,) = run.dead_letters()
    assert "too many positional arguments" in letter.reason
    with pytest.raises(NoResult):
        run.get(task_id)


def test_a_task_and_its_parts_on_two_queues(run: InMemory) -> None:
    task_id = run.delay(parent, 25)
    run.work()
    assert run.get(task_id) == 25


def test_an_unknown_task_has_no_record(run: InMemory) -> None:
    with pytest.raises(TaskNotFound):
        run.get("never-issued")


def test_an_idempotent_task_has_none_either(run: InMemory) -> None:
    task_id = run.delay(part, "nobody", 0)
    run.work()
    with pytest.raises(TaskNotFound):
        run.get(task_id)


def test_a_task_that_retries_for_ever_stays_within_its_seconds(run: InMemory) -> None:
    endless = App("endless", queue="q")

    @endless.task(max_retries=None)
    def again() -> None:
        raise Retry(0.5)

    forever = InMemory(endless, NOW_MS)
    forever.delay(again)
    forever.work(seconds=60)
    assert NOW_MS + 60_000 <= forever.now_ms() < NOW_MS + 61_000


def test_the_example_of_the_page_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    exec(compile("\n".join(blocks), str(PAGE), "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) >= 3
    for test in tests:
        test()
