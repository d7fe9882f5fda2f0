"""What a type checker knows of a task."""

from typing import assert_type

from taskqueue import App, Result

app = App("shop", queue="orders")


@app.task
def add(a: int, b: int = 0) -> int:
    return a + b


def checked_and_not_run() -> None:
    assert_type(add.delay(1, b=2), Result[int])
    assert_type(add.delay(1).get(timeout=1), int)
    add.delay("1")  # type: ignore[arg-type]
    add.delay(1, c=2)  # type: ignore[call-arg]
