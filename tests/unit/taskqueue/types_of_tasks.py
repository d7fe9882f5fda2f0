"""What a type checker says of a call, kept as a promise: this file is checked and never run.

Each line with an `ignore` is one that must not pass; mypy tells when it does, since an ignore that
is not needed is an error, too.
"""

from typing import assert_type

from taskqueue import App, Context, Result, send_many
from taskqueue.sending.call import Call

app = App("types", queue="q")


@app.task
def add(a: int, b: int = 0) -> int:
    return a + b


@app.task(bind=True, max_retries=5, retry_backoff=True, time_limit=20)
def greet(run: Context, name: str) -> str:
    return f"{name} {run.id}"


@app.task(name="other")
async def fetch(url: str) -> bytes:
    return url.encode()


def a_task_has_the_types_of_its_function() -> None:
    assert_type(add(1, b=2), int)
    assert_type(greet("you"), str)
    assert_type(add.delay(1, b=2), Result[int])
    assert_type(add.delay(1).get(timeout=1), int)
    assert_type(greet.delay("you").get(), str)
    assert_type(fetch.delay("url").get(), bytes)
    assert_type(send_many([add.call(1), add.call(2)]), list[Result[int]])
    assert_type(greet.call("you"), Call[str])
    assert_type(fetch.call("url"), Call[bytes])


def arguments_that_do_not_fit() -> None:
    add("1")  # type: ignore[arg-type]
    add.delay("1")  # type: ignore[arg-type]
    add.delay()  # type: ignore[call-arg]
    add.delay(1, c=2)  # type: ignore[call-arg]
    add.call(b=1)  # type: ignore[call-arg]
    greet.delay(1)  # type: ignore[arg-type]
    fetch.delay(b"url")  # type: ignore[call-overload]


def options_that_do_not_exist() -> None:
    add.apply_async([1], countdow=3)  # type: ignore[call-arg]
    add.apply_async([1], countdown="soon")  # type: ignore[arg-type]
    app.task(max_retry=3)  # type: ignore[call-overload]
    app.task(bind=True, time_limit="20")  # type: ignore[call-overload]


def a_bound_function_takes_a_context() -> None:
    @app.task(bind=True)  # type: ignore[arg-type]
    def unbound(name: str) -> None: ...
