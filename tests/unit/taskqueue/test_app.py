"""Registering functions as tasks."""

from typing import Any

import pytest

from taskqueue.app import App
from taskqueue.errors import PoisonMessage, TaskNameTaken, WrongArguments
from taskqueue.options import DecoratorOptions, RetryPolicy, read_options


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
        dont_autoretry_for=(KeyError,),
        retry_backoff=2,
        retry_backoff_max=60,
        retry_jitter=False,
        default_retry_delay=9,
        time_limit=3,
        expires=4,
        ignore_result=True,
        idempotent=True,
    )
    def function(run: object) -> None: ...

    task = app.find("other")
    assert (task.queue, task.options.bind, task.options.time_limit_seconds) == ("slow", True, 3)
    assert (task.options.expires_seconds, task.options.ignore_result) == (4, True)
    assert task.options.idempotent
    assert task.options.retry == RetryPolicy(None, (OSError,), (KeyError,), 2, 60, False, 9)


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
    with pytest.raises(TypeError, match="retry_backof: a task has no such option"):
        app.task(retry_backof=3)  # type: ignore[call-overload]


def test_an_option_of_celery_s_that_is_not_kept_is_an_error() -> None:
    app = App("test", queue="work")
    with pytest.raises(TypeError, match="rate_limit: no rate is kept here yet"):
        app.task(rate_limit="10/m")  # type: ignore[call-overload]


def test_a_backoff_that_is_just_on_begins_with_a_second() -> None:
    app = App("test", queue="work")
    task = app.task(retry_backoff=True, name="t")(print)
    assert task.options.retry.retry_backoff_seconds == 1


def test_every_option_is_taken() -> None:
    values: dict[str, Any] = {"autoretry_for": (), "dont_autoretry_for": (), "throws": ()}
    for option in DecoratorOptions.__annotations__:
        assert read_options({option: values.get(option, 7)}) != read_options({}) or option in values


def test_a_name_registered_twice_is_an_error() -> None:
    app = App("test", queue="work")
    app.task(name="a")(print)
    with pytest.raises(TaskNameTaken, match="the app 'test' has a task 'a' already"):
        app.task(name="a")(len)


def test_arguments_that_do_not_fit_are_a_type_error() -> None:
    app = App("test", queue="work")

    @app.task(bind=True)
    def add(run: object, a: int) -> int:
        return a

    add.check_arguments([1], {})
    with pytest.raises(WrongArguments, match="do not fit add: too many positional"):
        add.check_arguments([1, 2], {})
    assert issubclass(WrongArguments, TypeError)
