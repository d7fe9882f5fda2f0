"""Registering functions as tasks."""

from dataclasses import fields

import pytest

from taskqueue.app import App, DecoratorOptions, TaskOptions
from taskqueue.errors import PoisonMessage
from taskqueue.retry import RetryPolicy


def test_a_plain_decorator_registers_under_the_function_s_name() -> None:
    app = App("test", queue="work")

    @app.task
    def add(a: int, b: int) -> int:
        return a + b

    assert app.tasks == {"add": add}
    assert (add.name, add.queue) == ("add", "work")
    assert add.options.retry == RetryPolicy()


def test_a_decorator_with_options() -> None:
    app = App("test", queue="work")

    @app.task(
        name="other",
        queue="slow",
        bind=True,
        max_retries=None,
        autoretry_for=(OSError,),
        retry_backoff_seconds=2,
        retry_backoff_max_seconds=60,
        retry_jitter=False,
        default_retry_delay_seconds=9,
        time_limit_seconds=3,
        expires_seconds=4,
        ignore_result=True,
        idempotent=True,
    )
    def function(run: object) -> None: ...

    task = app.find("other")
    assert (task.queue, task.options.bind, task.options.time_limit_seconds) == ("slow", True, 3)
    assert (task.options.expires_seconds, task.options.ignore_result) == (4, True)
    assert task.options.idempotent
    assert task.options.retry == RetryPolicy(None, (OSError,), 2, 60, False, 9)


def test_a_registered_function_can_still_be_called() -> None:
    app = App("test", queue="work")

    @app.task
    def add(a: int, b: int) -> int:
        return a + b

    assert add(1, b=2) == 3


def test_two_apps_do_not_share_tasks() -> None:
    one, other = App("one", "q"), App("other", "q")
    one.task(name="print")(print)
    assert other.tasks == {}


def test_an_unknown_name_is_poison_that_lists_the_known_ones() -> None:
    app = App("test", queue="work")
    app.task(name="b")(print)
    app.task(name="a")(print)
    with pytest.raises(PoisonMessage, match=r"unknown task 'x{100}'; this worker knows a, b"):
        app.find("x" * 5_000)


def test_an_unknown_option_is_an_error() -> None:
    app = App("test", queue="work")
    with pytest.raises(TypeError, match="retry_backof"):
        app.task(retry_backof=3)  # type: ignore[call-overload]


def test_every_option_can_be_given_to_the_decorator() -> None:
    known = {field.name for kind in (RetryPolicy, TaskOptions) for field in fields(kind)}
    assert set(DecoratorOptions.__annotations__) == known - {"retry"} | {"name", "queue"}
