"""SQS's own rules, each with its source: the queues in memory keep them, so tests can meet them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from taskqueue.testing.broker import MemoryBroker, Redrive

DAY_MS = 24 * 60 * 60 * 1000


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now_ms = 1_795_370_400_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> MemoryBroker:
    return MemoryBroker(clock)


def send(broker: MemoryBroker, url: str, body: str = "x", **more: Any) -> None:
    broker.send_message(QueueUrl=url, MessageBody=body, **more)


def receive(broker: MemoryBroker, url: str, number: int = 10) -> list[Any]:
    response = broker.receive_message(QueueUrl=url, MaxNumberOfMessages=number)
    messages: list[Any] = response["Messages"]
    return messages


def hide(broker: MemoryBroker, url: str, message: Any, seconds: int) -> list[Any]:
    entry = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
    failed: list[Any] = broker.change_message_visibility_batch(QueueUrl=url, Entries=[entry])[
        "Failed"
    ]
    return failed


def test_a_message_has_1_mib_attributes_included(broker: MemoryBroker) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
    url = broker.create_queue("q").url
    attribute = {"a": {"DataType": "String", "StringValue": "y"}}
    counted = len("a") + len("String") + len("y")
    send(broker, url, "x" * (1_048_576 - counted), MessageAttributes=attribute)
    with pytest.raises(ClientError):
        send(broker, url, "x" * (1_048_577 - counted), MessageAttributes=attribute)


def test_a_queue_keeps_a_message_for_14_days_and_hiding_does_not_extend_it(
    broker: MemoryBroker, clock: Clock
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
    url = broker.create_queue("q").url
    send(broker, url)
    clock.now_ms += 14 * DAY_MS
    [message] = receive(broker, url)
    assert hide(broker, url, message, 60) == []
    clock.now_ms += 60_000
    assert receive(broker, url) == []


def test_a_queue_delivers_nothing_while_120_000_are_in_flight_and_delayed_ones_are_not(
    clock: Clock,
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html"""
    broker = MemoryBroker(clock, max_in_flight=20)
    url = broker.create_queue("q").url
    for _ in range(25):
        send(broker, url)
        send(broker, url, DelaySeconds=900)
    taken = [message for _ in range(3) for message in receive(broker, url)]
    assert len(taken) == 20
    assert receive(broker, url) == []
    broker.delete_message(QueueUrl=url, ReceiptHandle=taken[0]["ReceiptHandle"])
    assert len(receive(broker, url)) == 1


@pytest.mark.parametrize(("seconds", "is_taken"), [(900, True), (901, False)])
def test_a_message_is_delayed_for_15_minutes_at_most(
    broker: MemoryBroker, seconds: int, is_taken: bool
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""
    url = broker.create_queue("q").url
    if is_taken:
        send(broker, url, DelaySeconds=seconds)
    else:
        with pytest.raises(ClientError):
            send(broker, url, DelaySeconds=seconds)


def test_a_message_is_hidden_for_12_hours_at_most(broker: MemoryBroker) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html"""
    url = broker.create_queue("q").url
    send(broker, url)
    [message] = receive(broker, url)
    assert hide(broker, url, message, 43_200) == []
    assert len(hide(broker, url, message, 43_201)) == 1


def test_what_was_received_as_often_as_allowed_goes_to_the_dead_letters(
    broker: MemoryBroker, clock: Clock
) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"""
    url, dead_letters = broker.create_queue("q").url, broker.create_queue("dead").url
    broker.redrive = Redrive(3, dead_letters)
    send(broker, url)
    for _ in range(3):
        assert len(receive(broker, url)) == 1
        clock.now_ms += 60_000
    assert receive(broker, url) == []
    assert [message.body for message in broker.messages(dead_letters)] == ["x"]
