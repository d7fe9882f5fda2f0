"""What the functions log of a caller's payload: nothing, whatever becomes of it."""

from collections.abc import Callable

import pytest

from taskqueue.lambdas import wiring
from taskqueue.message import Message, encode
from tests.integration.api.test_dead_letters import QUEUE, bury, record
from tests.support.api_stack import Send, Stack

SECRET = "s3cr3t"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """All that any logger of the process was told, its extra fields included."""
    caplog.set_level("DEBUG", logger="producer")
    return lambda: " ".join(str(vars(line)) for line in caplog.records) + caplog.text


def test_the_producer_logs_no_payload(stack: Stack, write: Send, logged: Callable[[], str]) -> None:
    for body in (
        {"args": [SECRET, SECRET]},
        {"args": [SECRET], "kwargs": {SECRET: SECRET}},
        {SECRET: SECRET},
        {"kwargs": {"user_id": SECRET}},
    ):
        write("POST", "/tasks/notify_friends", body)
    write("POST", "/users/80/news", {"text": SECRET})
    stack.take_queue_away()
    write("POST", "/tasks/notify_friends", {"args": [SECRET, SECRET]})
    write("POST", "/users/80/news", {"text": SECRET})
    assert "task sent" in logged()
    assert "request failed" in logged()
    assert SECRET not in logged()


def test_the_log_of_dead_letters_has_no_payload(
    stack: Stack, write: Send, logged: Callable[[], str]
) -> None:
    message = Message("notify_friends", "t-1", [SECRET], {SECRET: SECRET}, queue=QUEUE)
    wiring.task_store().enqueue(message, 1)
    bury(
        record(encode(message), reason=f"ValueError: {SECRET}", queue=QUEUE, task_id="t-1"),
        record(SECRET, "m-2"),
        record(SECRET, "m-3", error=SECRET, reason=SECRET, queue=SECRET),
    )
    stack.set_status("t-1", "SUCCESS")
    write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert "dead letter kept" in logged()
    assert "dead letter not redriven" in logged()
    assert SECRET not in logged()
