"""Exactly the hub's friends have the news, once each, whatever is delivered twice or dies."""

from collections.abc import Iterator

import pytest

from tests.e2e.people import Hub, People
from tests.e2e.queues import RawQueue
from tests.e2e.tasks import finished, task
from tests.e2e.waiting import until
from tools.deployed import Stack
from tools.duplicates import duplicated
from tools.local_function import LocalFunction, frozen, kill
from tools.readers import Readers
from tools.rest import Rest
from tools.sqs_proxy import observed_sends

FRIENDS = 1_045
CONSUMER = "NotifyFriendsFunction"
SENDERS = ["ProducerFunction", CONSUMER]
# A dead worker's messages come back after this, instead of minutes.
REDELIVERY_SECONDS = 6


@pytest.fixture
def hub(people: People) -> Hub:
    return people.hub(FRIENDS)


@pytest.fixture
def consumer(stack: Stack) -> Iterator[LocalFunction]:
    """The consumer, with a time limit that a dead one's lease and messages wait out soon."""
    function = LocalFunction(stack, CONSUMER)
    seconds = REDELIVERY_SECONDS
    with (
        function.configured(timeout_seconds=seconds),
        RawQueue.of(stack).attributes(VisibilityTimeout=str(seconds)),
    ):
        yield function


def test_a_tenth_of_all_messages_delivered_twice_changes_nothing(
    stack: Stack, rest: Rest, hub: Hub, readers: Readers
) -> None:
    with duplicated(stack, SENDERS) as duplicator:
        # Three messages each: the task's own, and its two parts.
        posted = [_post(rest, hub) for _ in range(10)]
        found = [finished(rest, task_id) for _, task_id in posted]
        RawQueue.of(stack).wait_until_empty()
    assert (duplicator.sent, duplicator.copied) == (30, 3)
    for (news_id, task_id), ended in zip(posted, found, strict=True):
        assert (ended["status"], ended["result"]) == ("SUCCESS", FRIENDS)
        assert task(rest, task_id) == ended
        assert readers.of_news(news_id) == list(hub.friends)


def test_a_consumer_killed_while_it_delivers_is_made_up_for(
    rest: Rest, hub: Hub, readers: Readers, consumer: LocalFunction
) -> None:
    news_id, task_id = _post(rest, hub)
    _kill_in_the_middle(consumer, readers, hub, news_id)
    found = finished(rest, task_id, 40)
    assert (found["status"], found["result"]) == ("SUCCESS", FRIENDS)
    assert readers.of_news(news_id) == list(hub.friends)


def test_a_consumer_killed_between_its_plan_and_the_record_is_made_up_for(
    stack: Stack, rest: Rest, hub: Hub, readers: Readers, consumer: LocalFunction
) -> None:
    """Its parts are on their way, but the task knows of none: all is planned once more."""
    killed: list[int] = []

    def kill_once(*_: object) -> None:
        if not killed:
            killed.extend(consumer.pids())
            kill(killed)

    with observed_sends(stack, [CONSUMER], kill_once):
        news_id, task_id = _post(rest, hub)
        until(lambda: killed, "the worker is killed")
        found = finished(rest, task_id, 40)
    assert (found["status"], found["result"]) == ("SUCCESS", FRIENDS)
    assert found["attempts"] == 2
    assert readers.of_news(news_id) == list(hub.friends)


def test_a_consumer_killed_over_a_small_fan_out_is_made_up_for(
    rest: Rest, people: People, readers: Readers, consumer: LocalFunction
) -> None:
    """The task itself delivers, so another worker waits until the dead one's lease runs out."""
    hub = people.hub(999)
    news_id, task_id = _post(rest, hub)
    _kill_in_the_middle(consumer, readers, hub, news_id)
    found = finished(rest, task_id, 40)
    assert (found["status"], found["result"], found["attempts"]) == ("SUCCESS", 999, 2)
    assert readers.of_news(news_id) == list(hub.friends)


def _kill_in_the_middle(consumer: LocalFunction, readers: Readers, hub: Hub, news_id: str) -> None:
    until(lambda: readers.include(hub.friends[0], news_id), "the first delivery")
    with frozen(consumer) as pids:
        kill(pids)
    assert 0 < len(readers.of_news(news_id)) < len(hub.friends), "it had finished its work"


def _post(rest: Rest, hub: Hub) -> tuple[str, str]:
    body = rest.post(f"/users/{hub.id}/news", {"text": "It runs."}).expect(202)
    return body["news_id"], body["task_id"]
