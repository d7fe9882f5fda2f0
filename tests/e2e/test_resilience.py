"""Exactly the hub's friends have the news, once each, whatever is delivered twice or dies."""

from collections.abc import Iterator

import pytest

from tests.e2e.people import Hub, People
from tests.faults.duplicates import duplicated
from tests.faults.interruption import killed_while_it_delivers, quick_redelivery
from tests.faults.local_function import LocalFunction, kill
from tests.faults.sqs_proxy import observed_sends
from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished, task
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.waiting import until

FRIENDS = 1_045
CONSUMER = "notificationsFunction"
SENDERS = ["ProducerFunction", CONSUMER]


@pytest.fixture
def hub(people: People) -> Hub:
    return people.hub(FRIENDS)


@pytest.fixture
def consumer(stack: Stack) -> Iterator[LocalFunction]:
    """The consumer; what a dead one leaves comes back soon."""
    function = LocalFunction(stack, CONSUMER)
    with quick_redelivery(stack, function):
        yield function


@pytest.mark.usefixtures("consumer")
def test_messages_delivered_twice_change_nothing(
    stack: Stack, rest: Rest, hub: Hub, readers: Readers
) -> None:
    with duplicated(stack, SENDERS, every=4) as duplicator:
        # Three messages each: the task's own, and its two parts.
        posted = [_post(rest, hub) for _ in range(4)]
        found = [finished(rest, task_id) for _, task_id in posted]
        # A copy that comes while its task runs waits until the lease has run out.
        RawQueue.of(stack).wait_until_empty()
    assert (duplicator.sent, duplicator.copied) == (12, 3)
    reached = readers.of_each([news_id for news_id, _ in posted])
    assert reached == {news_id: list(hub.friends) for news_id, _ in posted}
    for (_, task_id), ended in zip(posted, found, strict=True):
        assert (ended["status"], ended["result"]) == ("SUCCESS", FRIENDS)
        assert task(rest, task_id) == ended


def test_a_consumer_killed_while_it_delivers_is_made_up_for(
    stack: Stack, rest: Rest, hub: Hub, readers: Readers, consumer: LocalFunction
) -> None:
    with killed_while_it_delivers(stack, consumer) as killed:
        news_id, task_id = _post(rest, hub)
        until(lambda: killed, "the worker is killed")
        found = finished(rest, task_id, 50)
    assert (found["status"], found["result"]) == ("SUCCESS", FRIENDS)
    assert readers.of_news(news_id) == list(hub.friends)


def test_a_consumer_killed_when_its_parts_are_sent_is_made_up_for(
    stack: Stack, rest: Rest, hub: Hub, readers: Readers, consumer: LocalFunction
) -> None:
    """Its plan is recorded, and its parts are on their way: they finish it, or another run does."""
    killed: list[int] = []

    def kill_once(*_: object) -> None:
        if not killed:
            killed.extend(consumer.pids())
            kill(killed)

    with observed_sends(stack, [CONSUMER], kill_once):
        news_id, task_id = _post(rest, hub)
        until(lambda: killed, "the worker is killed")
        found = finished(rest, task_id, 50)
    assert (found["status"], found["result"]) == ("SUCCESS", FRIENDS)
    assert readers.of_news(news_id) == list(hub.friends)


def test_a_consumer_killed_over_a_small_fan_out_is_made_up_for(
    stack: Stack, rest: Rest, people: People, readers: Readers, consumer: LocalFunction
) -> None:
    """The task itself delivers, so another worker waits until the dead one's lease runs out."""
    hub = people.hub(999)
    with killed_while_it_delivers(stack, consumer) as killed:
        news_id, task_id = _post(rest, hub)
        until(lambda: killed, "the worker is killed")
        found = finished(rest, task_id, 50)
    assert (found["status"], found["result"]) == ("SUCCESS", 999)
    assert found["attempts"] >= 2
    assert readers.of_news(news_id) == list(hub.friends)


def _post(rest: Rest, hub: Hub) -> tuple[str, str]:
    body = rest.post(f"/users/{hub.id}/news", {"text": "It runs."}).expect(202)
    return body["news_id"], body["task_id"]
