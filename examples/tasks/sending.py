"""Sending tasks: now or later, with options, one or many."""

from datetime import UTC, datetime, timedelta

import pytest

from taskqueue import App, TaskRevoked, send_many
from taskqueue.testing import InMemory

app = App("post", queue="letters")


@app.task
def write(to: str, subject: str = "Hello") -> str:
    return f"{subject}, {to}"


def send_with_options() -> None:
    write.delay("Ada", subject="Welcome")
    write.apply_async(["Ada"], {"subject": "Welcome"})
    write.apply_async(["Ada"], countdown=60)
    write.apply_async(["Ada"], eta=datetime.now(UTC) + timedelta(hours=1))
    write.apply_async(["Ada"], expires=3600)
    write.apply_async(["Ada"], task_id="welcome-ada")
    write.apply_async(["Ada"], time_limit=10, headers={"request": "r-1"}, group_id="ada")


def send_thousands(names: list[str]) -> list[str]:
    results = send_many([write.call(name) for name in names])
    return [result.get(timeout=60) for result in results]


def test_send_with_options() -> None:
    with InMemory(app) as memory:
        send_with_options()
        memory.work()
        hidden = sum(len(memory.broker.messages(queue.url)) for queue in memory.queues.values())
        assert hidden == 2, "those with a countdown and an eta wait"
        memory.work(seconds=3600)
        assert not memory.dead_letters()


def test_send_thousands() -> None:
    names = [f"n{number}" for number in range(30)]
    with InMemory(app):
        assert send_thousands(names) == [f"Hello, {name}" for name in names]


def test_one_id_is_one_task() -> None:
    with InMemory(app) as memory:
        first = write.apply_async(["Ada"], task_id="welcome-ada")
        second = write.apply_async(["Bob"], task_id="welcome-ada")
        memory.work()
        assert first.get() == second.get() == "Hello, Ada"


def test_a_task_expires() -> None:
    with InMemory(app) as memory:
        result = write.apply_async(["Ada"], countdown=60, expires=30)
        memory.work(seconds=120)
        with pytest.raises(TaskRevoked):
            result.get()
