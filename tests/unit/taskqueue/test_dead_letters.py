"""A task's own error reaches its record, also when its worker dies before it has written it."""

import contextlib
from typing import TYPE_CHECKING, cast

import pytest

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import RejectedMessage, read_letter
from taskqueue.message import Message
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import lambda_event
from tests.unit.taskqueue.rig import Died, Rig
from tests.unit.taskqueue.world import MemoryLetters

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@pytest.fixture
def rig() -> Rig:
    app = App("test", queue="work")

    @app.task(bind=True, autoretry_for=(ConnectionError,), max_retries=0)
    def doomed(_run: Context) -> None:
        raise ConnectionError("gone", 7)

    return Rig(app)


def test_a_letter_carries_the_task_s_error(rig: Rig) -> None:
    rig.send(Message("doomed", "a"))
    rig.deliver()
    (letter,) = rig.broker.messages(rig.dead_letters.url)
    texts = {name: one["StringValue"] for name, one in letter.attributes.items()}
    error = RejectedMessage.read(letter.body, texts).error
    assert error == rig.record("a").error
    assert error is not None
    assert (error.type, error.args) == ("ConnectionError", ["gone", 7])


def test_a_worker_that_dies_after_the_letter_leaves_the_task_s_error_to_the_burial(
    rig: Rig,
) -> None:
    rig.send(Message("doomed", "a"))
    rig.fuse.die_before = len(["change_message_visibility_batch", "claim", "send_message"])
    with contextlib.suppress(Died):
        rig.deliver()
    assert rig.record("a").status == "STARTED"

    received = rig.broker.receive_message(QueueUrl=rig.dead_letters.url)["Messages"]
    (record,) = lambda_event(rig.dead_letters, received)["Records"]
    read = read_letter(record, {rig.queue.name: rig.queue}, rig.now_ms)
    sender = Sender(cast("SQSClient", rig.broker), rig.store, {rig.queue.name: rig.queue})
    bury(read, MemoryLetters(), rig.store, rig.now_ms, sender)

    error = rig.record("a").error
    assert error is not None
    assert (rig.record("a").status, error.type) == ("FAILURE", "ConnectionError")
    assert error.args == ["gone", 7]
