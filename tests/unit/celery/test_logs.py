"""What a Celery app's worker logs of errors: types and places, and no text, as for light tasks."""

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from celery import signals

from taskqueue.testing import InMemory
from tests.unit.celery import shop

SECRET = "card-4711"

type Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged(memory: InMemory, capfd: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """Return what reads the log, and sees that no error's text is in it or anywhere else."""
    stream, root_stream = io.StringIO(), io.StringIO()
    (handler,) = Logger(service=str(shop.app.main)).handlers
    assert isinstance(handler, logging.StreamHandler)

    def read() -> list[dict[str, Any]]:
        written = capfd.readouterr()
        everywhere = stream.getvalue() + root_stream.getvalue() + written.out + written.err
        assert SECRET not in everywhere
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in lines if line["level"] != "INFO"]

    before = handler.setStream(stream)
    # As Lambda's runtime, which writes whatever comes to the root.
    root = logging.StreamHandler(root_stream)
    logging.getLogger().addHandler(root)
    yield read
    logging.getLogger().removeHandler(root)
    handler.setStream(before)


def told(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["message"], line["error"]) for line in lines]


def test_a_task_s_error_is_logged_once_by_its_type_and_places(
    memory: InMemory, logged: Logged
) -> None:
    result = shop.complain.delay(SECRET)
    memory.work()
    assert SECRET in str(result.result)
    (line,) = logged()
    assert (line["message"], line["error"], line["task_id"]) == ("raised", "ValueError", result.id)
    assert line["trace"][-1].endswith("complain")


def test_an_error_that_is_part_of_a_task_s_work_is_no_warning(
    memory: InMemory, logged: Logged
) -> None:
    shop.ship.delay(SECRET)
    memory.work()
    assert logged() == []


@pytest.mark.parametrize("hook", ["on_success", "after_return"])
def test_a_hook_that_fails_changes_no_end(memory: InMemory, logged: Logged, hook: str) -> None:
    result = shop.hooked.delay(SECRET, hook)
    memory.work()
    assert result.state == "SUCCESS"
    assert told(logged()) == [("a hook of the task failed", "LookupError")]


def test_a_failing_hook_of_a_failure_is_the_failure_as_in_celery(
    memory: InMemory, logged: Logged
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        result = shop.hooked.delay(SECRET, "on_failure", fail=True)
        memory.work()
    assert warned == []
    assert (result.state, type(result.result)) == ("FAILURE", LookupError)
    assert told(logged()) == [
        ("a hook of the task failed", "LookupError"),
        ("raised", "LookupError"),
    ]


def test_an_errback_and_a_receiver_that_fail_are_logged(memory: InMemory, logged: Logged) -> None:
    def receive(**_fields: Any) -> None:
        raise LookupError(SECRET)

    signals.task_failure.connect(receive, weak=False)
    try:
        shop.complain.apply_async((SECRET,), link_error=shop.complain_of.s())
        memory.work()
    finally:
        signals.task_failure.disconnect(receive)
    hook = "a hook of the task failed"
    assert told(logged()) == [(hook, "LookupError"), ("raised", "ValueError"), (hook, "KeyError")]
