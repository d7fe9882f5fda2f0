"""Registering functions as tasks."""

from typing import Any

import pytest

import taskqueue
from taskqueue import errors
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


def test_every_error_that_a_caller_can_meet_is_a_name_of_the_package() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
    public = {name for name in kinds if issubclass(getattr(errors, name), BaseException)}
    assert public - {"OutOfTime", "LoopGivenUp", "GiveBack"} == public & set(taskqueue.__all__)
    assert taskqueue.StoreRefused is errors.StoreRefused


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


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (
            "acks_late",
            "always so: a message is acknowledged after its task has ended; leave it out",
        ),
        ("track_started", "always so: a task that runs is STARTED; leave it out"),
        ("reject_on_worker_lost", "always so: a dead worker's tasks run again; leave it out"),
        ("serializer", "always JSON; leave it out"),
        ("retry_kwargs", "its values are options of their own: max_retries, default_retry_delay"),
        ("rate_limit", "no rate is kept here yet"),
    ],
)
def test_an_option_of_celery_s_that_is_none_here_says_why(option: str, reason: str) -> None:
    given: dict[str, Any] = {option: True}
    with pytest.raises(TypeError, match=f"^{option}: {reason}$"):
        App("test", queue="work").task(**given)


def test_a_backoff_that_is_just_on_begins_with_a_second() -> None:
    app = App("test", queue="work")
    task = app.task(retry_backoff=True, name="t")(print)
    assert task.options.retry.retry_backoff_seconds == 1


def test_every_option_is_taken() -> None:
    flags = ("retry_jitter", "ignore_result", "hide_errors", "idempotent", "internal")
    hooks = ("check", "before_start", "on_success", "on_failure", "on_retry")
    kinds = ("autoretry_for", "dont_autoretry_for", "throws")
    values: dict[str, Any] = {
        **dict.fromkeys(flags, True),
        "retry_jitter": False,
        **dict.fromkeys(hooks, print),
        **{name: [OSError] for name in kinds},
    }
    for option in DecoratorOptions.__annotations__:
        assert read_options({option: values.get(option, 7)}) != read_options({})


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("name", "", "a text that is not empty, or None"),
        ("queue", 5, "a text that is not empty, or None"),
        ("bind", 1, "True or False"),
        ("max_retries", -1, "a whole number, not negative, or None"),
        ("max_retries", "3", "a whole number, not negative, or None"),
        ("max_retries", True, "a whole number, not negative, or None"),
        ("autoretry_for", 3, "a tuple of exception classes"),
        ("autoretry_for", ValueError, "a tuple of exception classes"),
        ("dont_autoretry_for", ("KeyError",), "a tuple of exception classes"),
        ("throws", (KeyError("key"),), "a tuple of exception classes"),
        ("retry_backoff", "a", "True, False or a number of seconds, not negative"),
        ("retry_backoff", -2, "True, False or a number of seconds, not negative"),
        ("retry_backoff_max", None, "a number of seconds, not negative"),
        ("retry_jitter", "no", "True or False"),
        ("default_retry_delay", -1, "a number of seconds, not negative"),
        ("default_retry_delay", float("inf"), "a number of seconds, not negative"),
        ("soft_time_limit", 0, "a number of seconds above 0, or None"),
        ("time_limit", -2, "a number of seconds above 0, or None"),
        ("time_limit", float("nan"), "a number of seconds above 0, or None"),
        ("expires", -3, "a number of seconds above 0, or None"),
        ("ignore_result", None, "True or False"),
        ("hide_errors", 0, "True or False"),
        ("idempotent", "yes", "True or False"),
        ("internal", 1, "True or False"),
        ("check", "check_it", "a function, or None"),
        ("on_failure", 3, "a function that is not async, or None"),
    ],
)
def test_a_wrong_value_of_an_option_is_told_where_it_is_written(
    option: str, value: object, wanted: str
) -> None:
    given: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=f"^{option}: must be {wanted}$"):
        App("test", queue="work").task(**given)


@pytest.mark.parametrize("soft", [10, 30])
def test_a_soft_limit_comes_before_the_hard_one(soft: float) -> None:
    with pytest.raises(ValueError, match=r"^soft_time_limit: must be less than time_limit$"):
        App("test", queue="work").task(soft_time_limit=soft, time_limit=10)


def test_a_hook_is_no_coroutine_function() -> None:
    async def tell(run: object, value: object) -> None: ...

    hook: Any = tell
    with pytest.raises(ValueError, match="on_success: must be a function that is not async"):
        App("test", queue="work").task(on_success=hook)


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
