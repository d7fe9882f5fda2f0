"""What the queues do for their senders and workers: in memory, in moto, in the local AWS."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from taskqueue.aws.unprocessed import Patience
from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.dead_letters.letter import RejectedMessage
from taskqueue.errors import MessageTooLarge, SendError
from taskqueue.message import MAX_BYTES, Message, decode
from taskqueue.queue import Queue
from taskqueue.records.meta import ErrorInfo
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.worker.visibility import Visibility

SECONDS_TO_WAIT = 10


@dataclass
class Broker:
    """One broker with a new queue. `pass_seconds` lets its time go on."""

    sqs: Any
    queue: Queue
    dead_letters_url: str
    now_ms: Callable[[], int]
    pass_seconds: Callable[[float], None]

    def sender(self, sqs: Any = None) -> Sender:
        queues = {self.queue.name: self.queue}
        return Sender(
            sqs or self.sqs, MemoryTaskStore(), queues, patience=Patience(lambda _seconds: None)
        )

    def visibility(self) -> Visibility:
        return Visibility(self.sqs, self.queue)

    def dead_letters(self) -> DeadLetterQueue:
        return DeadLetterQueue(self.sqs, self.dead_letters_url)

    def receive(self, url: str = "") -> list[Any]:
        """Take what is visible now, up to 10 messages."""
        response = self.sqs.receive_message(
            QueueUrl=url or self.queue.url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        messages: list[Any] = response.get("Messages", [])
        return messages

    def receive_number(self, number: int) -> list[Any]:
        """Take messages until there are so many, and let time pass for them."""
        found = self.receive()
        for _ in range(SECONDS_TO_WAIT * 10):
            if len(found) >= number:
                break
            self.pass_seconds(0.1)
            found += self.receive()
        return found


@pytest.fixture(params=["memory", "moto", "ministack"])
def broker(request: pytest.FixtureRequest) -> Broker:
    name = f"test-{uuid.uuid4().hex[:12]}"
    if request.param == "memory":
        return _memory(name)
    sqs = request.getfixturevalue(f"{request.param}_sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    dead_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    queue = Queue(name, url, f"arn:aws:sqs:us-east-1:000000000000:{name}")
    return Broker(sqs, queue, dead_url, lambda: time.time_ns() // 1_000_000, time.sleep)


def _memory(name: str) -> Broker:
    times = [1_795_370_400_000]

    def pass_seconds(seconds: float) -> None:
        times[0] += round(seconds * 1000)

    memory = MemoryBroker(lambda: times[0])
    queue, dead_letters = memory.create_queue(name), memory.create_queue(f"{name}-dead")
    return Broker(memory, queue, dead_letters.url, lambda: times[0], pass_seconds)


def message(broker: Broker, number: int = 0, **fields: Any) -> Message:
    return Message("add", f"id-{number}", [number], queue=broker.queue.name, **fields)


def ids(received: list[Any]) -> list[str]:
    return sorted(decode(one["Body"]).id for one in received)


def test_a_message_is_received_as_it_was_sent(broker: Broker) -> None:
    before_ms = broker.now_ms()
    sent = message(broker)
    broker.sender().send(sent, broker.now_ms())
    (received,) = broker.receive_number(1)
    assert decode(received["Body"]).args == [0]
    assert received["Attributes"]["ApproximateReceiveCount"] == "1"
    assert int(received["Attributes"]["SentTimestamp"]) >= before_ms
    assert received["MessageId"]
    assert received["ReceiptHandle"]


def test_a_received_message_is_hidden_from_others(broker: Broker) -> None:
    broker.sender().send(message(broker), broker.now_ms())
    broker.receive_number(1)
    assert broker.receive() == []


def test_what_is_deleted_does_not_come_back(broker: Broker) -> None:
    broker.sender().send(message(broker), broker.now_ms())
    (received,) = broker.receive_number(1)
    receipt = received["ReceiptHandle"]
    broker.visibility().change({receipt: 1})
    broker.sqs.delete_message(QueueUrl=broker.queue.url, ReceiptHandle=receipt)
    broker.pass_seconds(1.2)
    assert broker.receive() == []


def test_a_hidden_message_comes_back_when_it_is_told(broker: Broker) -> None:
    broker.sender().send(message(broker), broker.now_ms())
    (received,) = broker.receive_number(1)
    assert broker.visibility().change({received["ReceiptHandle"]: 1}) == 0
    hidden_ms = broker.now_ms()
    assert broker.receive() == []
    (again,) = broker.receive_number(1)
    assert 800 <= broker.now_ms() - hidden_ms < 5_000
    assert again["MessageId"] == received["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert again["Attributes"]["SentTimestamp"] == received["Attributes"]["SentTimestamp"]


def test_a_message_hidden_for_no_time_comes_back_at_once(broker: Broker) -> None:
    broker.sender().send(message(broker), broker.now_ms())
    (received,) = broker.receive_number(1)
    broker.visibility().change({received["ReceiptHandle"]: 0})
    assert len(broker.receive_number(1)) == 1


def test_a_delayed_message_comes_at_its_time(broker: Broker) -> None:
    sent_ms = broker.now_ms()
    broker.sender().send(message(broker, eta_ms=sent_ms + 2_900), sent_ms)
    assert broker.receive() == []
    broker.receive_number(1)
    assert 800 <= broker.now_ms() - sent_ms < 5_000


def test_more_messages_than_one_request_takes(broker: Broker) -> None:
    broker.sender().send_unrecorded(
        [message(broker, number) for number in range(25)], broker.now_ms()
    )
    assert ids(broker.receive_number(25)) == sorted(f"id-{number}" for number in range(25))


def test_large_messages_go_in_requests_of_their_own(broker: Broker) -> None:
    large = [
        Message("add", f"id-{number}", ["x" * 450_000], queue=broker.queue.name)
        for number in range(3)
    ]
    broker.sender().send_unrecorded(large, broker.now_ms())
    assert ids(broker.receive_number(3)) == ["id-0", "id-1", "id-2"]


def test_a_message_over_the_limit_is_refused_before_anything_is_sent(broker: Broker) -> None:
    too_large = Message("add", "large", ["x" * MAX_BYTES], queue=broker.queue.name)
    with pytest.raises(MessageTooLarge):
        broker.sender().send_unrecorded([message(broker), too_large], broker.now_ms())
    assert broker.receive() == []


class PartlyRefusing:
    """Passes a part of each batch on, and says of the rest that it failed."""

    def __init__(self, sqs: Any, passed: int) -> None:
        self._sqs = sqs
        self._passed = passed

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        response: Any = {}
        if self._passed:
            response = self._sqs.send_message_batch(
                QueueUrl=QueueUrl, Entries=Entries[: self._passed]
            )
        failed = [
            {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False}
            for entry in Entries[self._passed :]
        ]
        return {**response, "Failed": failed}


def test_what_failed_of_a_batch_is_sent_again(broker: Broker) -> None:
    sender = broker.sender(PartlyRefusing(broker.sqs, passed=4))
    sender.send_unrecorded([message(broker, number) for number in range(12)], broker.now_ms())
    assert ids(broker.receive_number(12)) == sorted(f"id-{number}" for number in range(12))
    assert broker.receive() == []


def test_what_keeps_failing_is_an_error(broker: Broker) -> None:
    sender = broker.sender(PartlyRefusing(broker.sqs, passed=0))
    with pytest.raises(SendError, match="did not take 2 messages"):
        sender.send_unrecorded([message(broker, number) for number in range(2)], broker.now_ms())


def test_a_queue_that_is_gone_is_an_error(broker: Broker) -> None:
    gone = Queue(broker.queue.name, f"{broker.queue.url}-gone", "arn")
    sender = Sender(broker.sqs, MemoryTaskStore(), {gone.name: gone})
    with pytest.raises(SendError):
        sender.send(message(broker), broker.now_ms())
    with pytest.raises(SendError):
        DeadLetterQueue(broker.sqs, gone.url).send(RejectedMessage("q", "m", "body", "reason"))


def test_receipts_that_sqs_does_not_know_are_counted(broker: Broker) -> None:
    broker.sender().send_unrecorded(
        [message(broker, number) for number in range(12)], broker.now_ms()
    )
    receipts = [received["ReceiptHandle"] for received in broker.receive_number(12)]
    seconds = dict.fromkeys(receipts[:11], 0) | {"no-such-receipt": 0}
    assert broker.visibility().change(seconds) == 1
    assert len(broker.receive_number(11)) == 11


def test_a_dead_letter_carries_what_is_known_of_it(broker: Broker) -> None:
    rejected = RejectedMessage(
        "work", "m-1", '{"odd": "\u00e9\\u0007"}', "bad \u0007 reason " + "x" * 900, "id", "add"
    )
    broker.dead_letters().send(rejected)
    (received,) = broker.receive(broker.dead_letters_url)
    assert received["Body"] == rejected.body
    attributes = _texts(received)
    assert attributes.pop("reason").startswith("bad ? reason xxx")
    assert attributes == {"queue": "work", "message_id": "m-1", "task_id": "id", "task": "add"}


@pytest.mark.parametrize("room_bytes", [0, 15, 60, 10_000])
def test_a_dead_letter_always_fits(broker: Broker, room_bytes: int) -> None:
    body = "x" * (MAX_BYTES - room_bytes)
    error = ErrorInfo.of(ValueError("\u00e9" * 900))
    rejected = RejectedMessage("work", "m-1", body, "\u00e9" * 900, "id", "add", error)
    broker.dead_letters().send(rejected)
    (received,) = broker.receive(broker.dead_letters_url)
    assert received["Body"] == body
    assert ("queue" in _texts(received)) == (room_bytes >= 15)
    assert ("reason" in _texts(received)) == (room_bytes >= 60)
    assert ("error" in _texts(received)) == (room_bytes >= 10_000)


def _texts(received: Any) -> dict[str, str]:
    attributes = received.get("MessageAttributes", {})
    return {name: attribute["StringValue"] for name, attribute in attributes.items()}
