"""Dead letters as they are written and read, and the tasks that fail with them."""

import json
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import DeadLetter, RejectedMessage, read_letter
from taskqueue.message import MAX_BYTES, Message, encode
from taskqueue.queue import Queue
from taskqueue.records.meta import ErrorInfo
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker
from taskqueue.testing.records import MemoryTaskStore

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ARN = "arn:aws:sqs:eu-west-1:1:stack-work"
QUEUES = {"work": Queue("work", "https://sqs/1/stack-work", ARN)}


SENDER = Sender(cast("SQSClient", MemoryBroker(lambda: 5)), MemoryTaskStore(), QUEUES)


class Letters:
    """A store of dead letters that keeps the last one."""

    def __init__(self) -> None:
        self.last: DeadLetter | None = None

    def put(self, letter: DeadLetter) -> None:
        self.last = letter


def record(body: str, source_arn: str | None = None, **said: str) -> dict[str, Any]:
    source = {"DeadLetterQueueSourceArn": source_arn} if source_arn else {}
    return {
        "messageId": "m",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "4", "SentTimestamp": "1000", **source},
        "messageAttributes": {name: {"stringValue": text} for name, text in said.items()},
        "eventSourceARN": "arn:aws:sqs:eu-west-1:1:stack-dead-letters",
    }


def read(body: str, source_arn: str | None = None, **said: str) -> DeadLetter:
    return read_letter(record(body, source_arn, **said), QUEUES, 5).letter


def test_a_moved_message_comes_from_where_sqs_says() -> None:
    letter = read("{}", ARN)
    assert (letter.id, letter.queue) == ("work.0000000001000.m", "work")


def test_what_the_sender_of_a_moved_message_wrote_beside_it_says_nothing() -> None:
    found = read_letter(
        record(encode(Message("task", "t")), ARN, queue="odd", reason="odd", error="odd"), QUEUES, 5
    )
    assert found.letter.queue == "work"
    assert found.letter.reason == "received 3 times without finishing"
    assert found.error is None


def test_a_rejected_message_comes_from_where_its_worker_says() -> None:
    error = ErrorInfo.of(ValueError("no"))
    rejected = RejectedMessage("work", "m-1", "{}", "why", error=error)
    found = read_letter(record("{}", **rejected.attributes()), QUEUES, 5)
    assert (found.letter.queue, found.letter.reason, found.error) == ("work", "why", error)


def test_a_queue_that_nobody_knows_is_unknown() -> None:
    other = read(encode(Message("task", "t")), "arn:aws:sqs:eu-west-1:1:other")
    assert other.queue == "unknown"
    assert "arn:aws:sqs:eu-west-1:1:other" in other.reason
    assert read("{}", queue="other.#x", reason="why").queue == "unknown"
    assert read("{}").queue == "unknown"


def test_a_message_itself_may_say_where_it_comes_from() -> None:
    assert read(encode(Message("task", "t", queue="work"))).queue == "work"
    assert read(encode(Message("task", "t", queue="odd"))).queue == "unknown"


def test_an_error_that_nobody_can_read_is_none() -> None:
    for text in ("no JSON", "[]", "{}", '"text"', "5"):
        assert read_letter(record("{}", queue="work", error=text), QUEUES, 5).error is None


def test_the_messages_own_id_counts_and_not_its_copy_in_an_attribute() -> None:
    found = read_letter(
        record(encode(Message("task", "a\x01b")), task_id="a?b", reason="why"), QUEUES, 5
    )
    assert (found.letter.task_id, found.letter.reason) == ("a\x01b", "why")
    assert found.message is not None


def test_a_message_that_cannot_be_run_still_names_its_task() -> None:
    body = encode(Message("task", "t-1")).replace("application/json", "application/x-yaml")
    found = read_letter(record(body, ARN), QUEUES, 5)
    assert (found.letter.task_id, found.letter.task, found.message) == ("t-1", "task", None)


def test_a_letter_of_an_unreadable_message_fails_its_task() -> None:
    tasks, letters = MemoryTaskStore(), Letters()
    unreadable = encode(Message("task", "t-1")).replace("application/json", "text/x")
    letter = read_letter(record(unreadable, ARN), QUEUES, 5)
    bury(letter, letters, tasks, 5, SENDER)
    found = tasks.get("t-1")
    assert letters.last == letter.letter
    assert found is not None
    assert (found.status, found.error and found.error.message) == ("FAILURE", letter.letter.reason)


@given(room_bytes=st.integers(0, 3_000), reason=st.text(min_size=1), error=st.text())
def test_body_and_attributes_fit_a_message(room_bytes: int, reason: str, error: str) -> None:
    rejected = RejectedMessage(
        "work",
        "m",
        "x" * (MAX_BYTES - room_bytes),
        reason,
        "t",
        "task",
        ErrorInfo("E", [error], "m"),
    )
    attributes = rejected.attributes()
    used = sum(len(f"{name}String{text}".encode()) for name, text in attributes.items())
    assert used <= room_bytes
    assert all(attributes.values())
    if room_bytes > 2_500:
        assert list(attributes) == ["queue", "reason", "error", "message_id", "task_id", "task"]


ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.dictionaries(st.sampled_from(["task", "id", "eta"]), st.text() | st.none()),
        "body": st.text(),
        "properties": st.none() | st.dictionaries(st.text(), st.text()),
        "content-type": st.sampled_from(["application/json", "application/x-python-serialize"]),
    },
).map(json.dumps)


@given(body=st.text() | ENVELOPES)
def test_any_body_is_kept_with_a_reason(body: str) -> None:
    letter = read_letter(record(body, ARN), QUEUES, 5)
    assert letter.letter.body == body
    assert letter.letter.reason
    bury(letter, Letters(), MemoryTaskStore(), 5, SENDER)
