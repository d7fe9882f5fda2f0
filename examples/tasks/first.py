"""A task, sent and run, and its result."""

from taskqueue import App
from taskqueue.testing import InMemory

app = App("shop", queue="orders")


@app.task
def total(prices: list[float]) -> float:
    return sum(prices)


def send() -> None:
    result = total.delay([1.5, 2])
    print(result.id, result.state)
    print(result.get(timeout=10))


def test_send() -> None:
    with InMemory(app):
        send()


def test_a_call_is_a_call() -> None:
    assert total([1.5, 2]) == 3.5
