"""What the worker logs of tasks that fail: never what they were given or what their errors say."""

import asyncio
import gc
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.message import Message, encode
from tests.unit.taskqueue.rig import Rig

SECRET = "s3cr3t"


class Quoting(Exception):
    """An error whose text quotes what it was given."""


class Unprintable(Exception):
    def __str__(self) -> str:
        raise Quoting(SECRET)


def from_another(secret: str) -> None:
    try:
        raise KeyError(secret)
    except KeyError as error:
        raise Quoting(f"there is no {secret}") from error


def several(secret: str) -> None:
    raise ExceptionGroup(secret, [ValueError(secret), Quoting(secret)])


def exit_with(secret: str) -> None:
    raise SystemExit(secret)


def plainly(secret: str) -> None:
    raise Quoting(secret)


def without_text(secret: str) -> None:
    raise Unprintable(secret)


def returns_no_json(secret: str) -> Any:
    return {secret: object()}


def notes(secret: str) -> None:
    error = Quoting(secret)
    error.add_note(secret)
    raise error


async def on_a_loop(secret: str) -> None:
    await asyncio.sleep(0)
    raise Quoting(secret)


async def with_a_child_that_exits(secret: str) -> None:
    asyncio.get_running_loop().call_soon(exit_with, secret)
    await asyncio.sleep(10)


async def with_a_child_that_nobody_awaits(secret: str) -> None:
    asyncio.get_running_loop().create_task(on_a_loop(secret))
    await asyncio.sleep(0.01)


def hook(_run: Context, of: Any) -> None:
    raise Quoting(of)


WAYS: list[Callable[[str], Any]] = [
    from_another,
    several,
    exit_with,
    plainly,
    without_text,
    returns_no_json,
    notes,
    on_a_loop,
    with_a_child_that_exits,
    with_a_child_that_nobody_awaits,
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"autoretry_for": (Exception,), "max_retries": 1},
    {"throws": (Exception,)},
    {"on_failure": hook, "on_retry": hook},
    {"idempotent": True},
]


@pytest.fixture
def app() -> App:
    return App("test", queue="work")


def register(app: App, function: Callable[..., Any], **options: Any) -> None:
    decorate: Callable[[Any], Any] = app.task(**options)
    decorate(function)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """What the function writes, and all that any logger of the process is told."""
    stream = io.StringIO()
    (handler,) = Logger(service="rig").handlers
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream)
    yield lambda: stream.getvalue() + caplog.text
    handler.setStream(before)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: next(iter(options), "plain"))
@pytest.mark.parametrize("way", WAYS)
def test_no_text_of_an_error_is_logged(
    app: App, way: Callable[[str], Any], options: dict[str, Any], log: Callable[[], str]
) -> None:
    register(app, way, name="t", **options)
    rig = Rig(app)
    rig.send(Message("t", "id-1", [SECRET]), Message("t", "id-2", (), {"secret": SECRET}))
    rig.deliver_until_empty()
    gc.collect()
    assert SECRET not in log()
    assert "id-1" in log()


def test_of_an_error_of_aws_its_code_and_operation_are_logged(
    app: App, log: Callable[[], str]
) -> None:
    @app.task
    def store(secret: str) -> None:
        answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": secret}}
        raise ClientError(answer, "PutItem")

    rig = Rig(app)
    rig.send(Message("store", "id-1", [SECRET]))
    rig.deliver()
    assert '"aws_error":"AccessDeniedException","aws_operation":"PutItem"' in log()
    assert SECRET not in log()


@pytest.mark.parametrize(
    "body",
    [
        SECRET,
        encode(Message(SECRET, "id-1")),
        encode(Message("t", "id-1", [1], {SECRET: 1})),
        encode(Message("t", "id-1", [SECRET, SECRET])),
        encode(Message("t", "id-1")).replace("application/json", SECRET),
    ],
)
def test_no_text_of_poison_is_logged(app: App, body: str, log: Callable[[], str]) -> None:
    app.task(name="t")(plainly)
    rig = Rig(app)
    rig.send_bodies(body)
    rig.deliver()
    lines = log().replace(f'"task":"{SECRET}"', "")
    assert "dead letter" in lines
    assert SECRET not in lines


def test_the_line_of_a_failure_says_what_was_raised_and_where(
    app: App, log: Callable[[], str]
) -> None:
    app.task(name="t")(from_another)
    rig = Rig(app)
    rig.send(Message("t", "id-1", [SECRET]))
    rig.deliver()
    lines = [json.loads(line) for line in log().splitlines() if line.startswith("{")]
    (line,) = [one for one in lines if one["message"] == "raised"]
    assert (line["error"], line["cause"], line["task_id"]) == ("Quoting", "KeyError", "id-1")
    place = line["trace"][-1]
    assert place.startswith(f"{__file__}:")
    assert place.endswith(" from_another")


def test_a_task_may_hide_its_errors_from_records_and_letters_too(app: App) -> None:
    options: dict[str, Any] = {"autoretry_for": (Exception,), "max_retries": 1}
    register(app, plainly, name="hidden", hide_errors=True, **options)
    register(app, plainly, name="shown", **options)
    rig = Rig(app)
    rig.send(Message("hidden", "a", [SECRET]), Message("shown", "b", [SECRET]))
    rig.deliver()
    waiting = rig.record("a").error
    assert waiting is not None
    assert (rig.record("a").status, waiting.type, waiting.message) == ("RETRY", "Quoting", "")
    rig.deliver_until_empty()
    hidden, shown = rig.record("a").error, rig.record("b").error
    assert hidden is not None
    assert shown is not None
    assert (hidden.type, hidden.message, shown.message) == ("Quoting", "", SECRET)
    assert sorted(rig.reasons()) == [
        "failed after 1 retries: Quoting",
        f"failed after 1 retries: Quoting: {SECRET}",
    ]
