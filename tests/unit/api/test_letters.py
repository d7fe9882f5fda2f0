"""Dead letters as they are read, and the tasks that fail with them."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import DeadLetter, read_letter
from taskqueue.message import Message, encode
from taskqueue.queue import Queue
from taskqueue.testing.records import MemoryTaskStore

QUEUES = {"work": Queue("work", "https://sqs/1/stack-work", "arn:1:stack-work", "https://sqs/1/dl")}


class Letters:
    """A store of dead letters that keeps the last one."""

    def __init__(self) -> None:
        self.last: DeadLetter | None = None

    def put(self, letter: DeadLetter) -> None:
        self.last = letter


def record(body: str, arn: str = "arn:aws:sqs:eu-west-1:1:dl", **said: str) -> dict[str, Any]:
    return {
        "messageId": "m",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "4", "SentTimestamp": "1000"},
        "messageAttributes": {name: {"stringValue": text} for name, text in said.items()},
        "eventSourceARN": arn,
    }


def test_the_queue_is_that_of_the_dead_letter_queue() -> None:
    letter, _ = read_letter(record("{}"), QUEUES, 5)
    assert (letter.id, letter.queue) == ("work.0000000001000.m", "work")


def test_a_dead_letter_queue_that_nobody_knows_gives_its_own_name() -> None:
    letter, _ = read_letter(record("{}", "arn:aws:sqs:eu-west-1:1:other"), QUEUES, 5)
    assert letter.queue == "other"


def test_the_messages_own_id_counts_and_not_its_copy_in_an_attribute() -> None:
    message = Message("task", "a\x01b")
    letter, read = read_letter(record(encode(message), task_id="a?b", reason="why"), QUEUES, 5)
    assert (letter.task_id, letter.reason) == ("a\x01b", "why")
    assert read is not None


def test_a_message_that_cannot_be_run_still_names_its_task() -> None:
    body = encode(Message("task", "t-1")).replace("application/json", "application/x-yaml")
    letter, read = read_letter(record(body), QUEUES, 5)
    assert (letter.task_id, letter.task, read) == ("t-1", "task", None)


def test_a_letter_of_an_unreadable_message_fails_its_task() -> None:
    tasks, letters = MemoryTaskStore(), Letters()
    letter, message = read_letter(
        record(encode(Message("task", "t-1")).replace("application/json", "text/x")), QUEUES, 5
    )
    bury(letter, message, letters, tasks, 5)
    found = tasks.get("t-1")
    assert letters.last == letter
    assert found is not None
    assert (found.status, found.error and found.error.message) == ("FAILURE", letter.reason)


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
    letter, message = read_letter(record(body), QUEUES, 5)
    assert letter.body == body
    assert letter.reason
    bury(letter, message, Letters(), MemoryTaskStore(), 5)
