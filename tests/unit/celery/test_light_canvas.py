"""What follows light tasks, and dead letters: sent by the canvas function, which has Celery."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError

from taskqueue import App
from taskqueue.celery.testing import light_in_memory
from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import DeadLetter, ReadLetter
from taskqueue.message import decode
from taskqueue.testing import InMemory
from tests.unit.celery.conftest import NOW_MS
from tests.unit.celery.test_canvas import double

app = App("light", queue="light")
ran: list[Any] = []


@app.task(idempotent=True)
def same(value: float) -> float:
    ran.append(value)
    return value


@app.task
def price(pieces: float, each: float = 1.5) -> float:
    ran.append(pieces)
    return pieces * each


@app.task
def total(prices: list[float]) -> float:
    ran.append("total")
    return sum(prices)


@app.task
def ship(item: str) -> None:
    raise LookupError(item, 3)


@app.task(queue="others")
def tell(task_id: str) -> str:
    ran.append(("tell", task_id))
    return task_id


@pytest.fixture
def memory() -> Iterator[InMemory]:
    ran.clear()
    with light_in_memory(app, NOW_MS) as memory:
        yield memory


def test_a_chain_of_light_tasks_hands_on_its_results(memory: InMemory) -> None:
    result: Any = chain(price.s(4), price.s(2), price.s()).apply_async()
    memory.work()
    assert result.get(timeout=1) == 18.0
    assert result.parent.get(timeout=1) == 12.0
    assert ran == [4, 6.0, 12.0]


def test_links_and_errbacks_of_light_tasks_are_sent(memory: InMemory) -> None:
    good: Any = price.s(4).apply_async(link=[price.s(), price.si(1)])
    bad: Any = ship.s("hat").apply_async(link_error=[tell.s()])
    memory.work()
    assert sorted(map(str, ran)) == sorted(["4", "6.0", "1", str(("tell", bad.id))])
    assert good.get(timeout=1) == 6.0
    with pytest.raises(LookupError):
        bad.get(timeout=1)


@pytest.mark.parametrize("properties", [None, [1], "x", 5], ids=repr)
def test_what_follows_is_sent_whatever_the_message_s_properties_are(
    memory: InMemory, properties: Any
) -> None:
    followers = {"callbacks": [price.si(1)], "errbacks": None, "chain": None, "chord": None}
    message = {
        "body": json.dumps([[4], {}, followers]),
        "content-type": "application/json",
        "headers": {"task": price.name, "id": "stock"},
        "properties": properties,
    }
    queue = memory.queues["light"]
    memory.broker.send_message(QueueUrl=queue.url, MessageBody=json.dumps(message))
    memory.work()
    assert ran == [4, 1]


def test_a_chord_of_light_tasks_runs_its_body_once(memory: InMemory) -> None:
    result: Any = chord(
        [(same if n % 2 else price).s(n) for n in range(70)], total.s()
    ).apply_async()
    for _ in range(4):
        double(memory)
        memory.work()
    memory.work(60)
    assert result.get(timeout=1) == sum(n if n % 2 else n * 1.5 for n in range(70))
    assert ran.count("total") == 1
    assert len(ran) == 71


def test_a_light_part_that_fails_fails_its_chord_and_tells_its_errbacks(memory: InMemory) -> None:
    body = total.s().on_error(tell.s())
    result: Any = chord([price.s(4), ship.s("hat")], body).apply_async()
    memory.work()
    with pytest.raises(LookupError):
        result.get(timeout=1)
    assert ("tell", result.id) in ran
    assert "total" not in ran


def test_a_light_part_that_expires_fails_its_chord(memory: InMemory) -> None:
    header = [price.s(4), price.s(2).set(countdown=20, expires=10)]
    result: Any = chord(header, total.s()).apply_async()
    memory.work(20)
    assert isinstance(result.result, TaskRevokedError)


def test_a_group_in_a_chain_of_light_tasks(memory: InMemory) -> None:
    steps: Any = price.s(4) | group(price.s(), price.s(2)) | total.s()
    result = steps.apply_async()
    memory.work()
    assert result.get(timeout=1) == 6.0 * 1.5 + 6.0 * 2


def test_a_chord_hears_of_a_part_that_no_worker_can_run(memory: InMemory) -> None:
    wrong = price.s(1, 2, 3)  # it takes two
    result: Any = chord([price.s(4), wrong], total.s().on_error(tell.s())).apply_async()
    memory.work()
    assert result.state == "PENDING"
    for _ in range(2):
        for letter in memory.dead_letters():
            kept = DeadLetter("l", "light", letter.reason, letter.body, NOW_MS, letter.task_id)
            read = ReadLetter(kept._replace(task=letter.task), decode(letter.body), letter.error)
            bury(read, Letters(), memory.store, memory.now_ms(), memory.sender)
    memory.work()
    with pytest.raises(Exception, match="do not fit price"):
        result.get(timeout=1)
    assert ran.count(("tell", result.id)) == 1


class Letters:
    """Keeps no letters."""

    def put(self, letter: DeadLetter) -> None:
        pass
