"""What is called before and after a task runs."""

from typing import Any

from taskqueue import App, Context
from taskqueue.testing import InMemory

app = App("shop", queue="orders")
seen: list[str] = []


def note_start(run: Context) -> None:
    seen.append(f"{run.attempt}: starts")


def note_result(run: Context, result: Any) -> None:
    seen.append(f"{run.attempt}: returned {result}")


def note_retry(run: Context, error: BaseException) -> None:
    seen.append(f"{run.attempt}: again after {type(error).__name__}")


def note_failure(run: Context, error: BaseException) -> None:
    seen.append(f"{run.attempt}: failed with {type(error).__name__}")


@app.task(
    autoretry_for=(ConnectionError,),
    max_retries=1,
    default_retry_delay=10,
    before_start=note_start,
    on_success=note_result,
    on_retry=note_retry,
    on_failure=note_failure,
)
def fetch(works: bool) -> str:
    if works:
        return "page"
    raise ConnectionError


def test_a_success_and_a_failure() -> None:
    seen.clear()
    with InMemory(app) as memory:
        fetch.delay(True)
        memory.work()
        fetch.delay(False)
        memory.work(seconds=10)
    assert seen == [
        "1: starts",
        "1: returned page",
        "1: starts",
        "1: again after ConnectionError",
        "2: starts",
        "2: failed with ConnectionError",
    ]
