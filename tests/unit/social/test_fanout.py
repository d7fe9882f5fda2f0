"""What a fan-out plans: pages of chunks, cut between the same friends whenever they are sent."""

import json

from hypothesis import given
from hypothesis import strategies as st

from social.fanout import (
    CHUNK_SIZE,
    MAX_CHUNK_SIZE,
    NOTHING_PLANNED,
    PAGE_SIZE,
    FanOut,
    LastPage,
    as_sent,
    as_whole,
    chunk_messages,
    is_small,
    knows_its_size,
    with_page,
)
from social.friends import FriendPage
from taskqueue.groups.part import Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import MAX_BYTES, MAX_ID_LENGTH, Message, decode, encode

FAN_OUT = FanOut("t1", "notifications", "80", "n1", 1_900_000_000)


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"u{number:05}" for number in range(count))


def first_page(count: int, next_token: str | None = None) -> PartsPlan:
    return with_page(NOTHING_PLANNED, FriendPage(ids(count), next_token))


def test_the_first_page_is_served_at_once_up_to_a_thousand_friends() -> None:
    assert is_small(FriendPage((), None))
    assert is_small(FriendPage(ids(1_000), None))
    assert not is_small(FriendPage(ids(1_001), None))
    assert not is_small(FriendPage(ids(10), "u00009"))


def test_a_hub_of_1045_friends_is_two_chunks_that_know_it() -> None:
    plan = first_page(1_045)
    messages = chunk_messages(FAN_OUT, plan, ids(1_045))

    assert plan == PartsPlan(2, 1_045, is_whole=True, cursor=[None, "u00999", "u01044"])
    assert [len(message.kwargs["friend_ids"]) for message in messages] == [1_000, 45]
    assert [message.part for message in messages] == [Part("t1", 0, 2), Part("t1", 1, 2)]
    assert [message.id for message in messages] == ["t1.0", "t1.1"]
    assert knows_its_size(plan)


def test_a_page_with_more_behind_it_does_not_know_how_many_parts_there_are() -> None:
    plan = first_page(PAGE_SIZE, "u09999")
    next_plan = with_page(plan, FriendPage(("v1", "v2"), None))

    assert {message.part for message in chunk_messages(FAN_OUT, plan, ids(PAGE_SIZE))} == {
        Part("t1", index) for index in range(10)
    }
    assert next_plan == PartsPlan(11, 10_002, is_whole=True, cursor=["u09999", "v2"])
    (message,) = chunk_messages(FAN_OUT, next_plan, ("v1", "v2"))
    assert message.part == Part("t1", 10, 11)
    assert not knows_its_size(next_plan)


def test_an_empty_last_page_has_no_chunks() -> None:
    plan = with_page(first_page(PAGE_SIZE, "u09999"), FriendPage((), None))

    assert plan == PartsPlan(10, PAGE_SIZE, is_whole=True, cursor=["u09999"])
    assert chunk_messages(FAN_OUT, plan, ()) == []


def test_what_was_sent_is_not_sent_again_and_the_next_page_begins_behind_it() -> None:
    plan = as_sent(first_page(PAGE_SIZE, "u09999"))

    assert chunk_messages(FAN_OUT, as_whole(plan), ()) == []
    assert LastPage.of(plan).next_after == "u09999"


def test_the_reporting_message_is_the_task_as_it_was_called() -> None:
    assert FAN_OUT.message == Message("notify_friends", "t1", ("80", "n1"), queue="notifications")


def test_parts_stay_within_the_limits_of_a_message_for_the_longest_ids() -> None:
    fan_out = FanOut("t" * MAX_ID_LENGTH, "notifications", "a" * 128, "n" * 128, 1_900_000_000)
    friends = tuple(f"{number:0128}" for number in range(CHUNK_SIZE))
    plan = with_page(NOTHING_PLANNED, FriendPage(friends, friends[-1]))

    for message in chunk_messages(fan_out, plan, friends):
        assert len(message.id) <= MAX_ID_LENGTH
        assert len(encode(message)) <= MAX_BYTES / 4
        assert decode(encode(message)).id == message.id


@given(data=st.data())
def test_a_page_sent_again_has_each_friend_in_the_chunk_that_it_was_in(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3 * CHUNK_SIZE), label="friends")
    planned = [f"u{number:05}" for number in range(0, 2 * count, 2)]
    plan = with_page(NOTHING_PLANNED, FriendPage(tuple(planned), None))
    users = st.integers(0, 2 * count - 2).map("u{:05}".format)
    now = sorted(set(planned) ^ data.draw(st.sets(users, max_size=50), label="came or went"))

    before = chunk_messages(FAN_OUT, plan, planned)
    again = chunk_messages(FAN_OUT, plan, now)

    assert [message.part for message in again] == [message.part for message in before]
    sent = [friend for message in again for friend in message.kwargs["friend_ids"]]
    assert sent == now
    for one, other in zip(before, again, strict=True):
        stayed = set(one.kwargs["friend_ids"]) & set(now)
        assert stayed <= set(other.kwargs["friend_ids"])
        assert len(other.kwargs["friend_ids"]) <= MAX_CHUNK_SIZE


@given(count=st.integers(0, 2 * CHUNK_SIZE))
def test_arguments_survive_the_queue(count: int) -> None:
    for message in chunk_messages(FAN_OUT, first_page(count), ids(count)):
        received = decode(encode(message))
        assert FanOut(**received.kwargs["fan_out"]) == FAN_OUT
        assert json.loads(json.dumps(message.kwargs)) == received.kwargs
        assert (received.queue, received.parent_id) == ("notifications", "t1")
        assert received.part == message.part
