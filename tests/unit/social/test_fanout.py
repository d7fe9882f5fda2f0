import json

from hypothesis import given
from hypothesis import strategies as st

from social.fanout import CHUNK_SIZE, PAGE_SIZE, Chunk, FanOut, is_small, plan_page
from social.friends import FriendPage
from taskqueue.groups.completion import Parts
from taskqueue.message import MAX_BYTES, MAX_ID_LENGTH, Message, decode, encode

FAN_OUT = FanOut("t1", "notifications", "80", "n1", 1_900_000_000)


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"u{number:05}" for number in range(count))


def chunks_of(messages: tuple[Message, ...]) -> list[Message]:
    return [message for message in messages if message.task == "deliver_news"]


def test_the_first_page_is_served_at_once_up_to_a_thousand_friends() -> None:
    assert is_small(FriendPage((), None))
    assert is_small(FriendPage(ids(1_000), None))
    assert not is_small(FriendPage(ids(1_001), None))
    assert not is_small(FriendPage(ids(10), "u00009"))


def test_a_hub_of_1045_friends_is_two_chunks() -> None:
    plan = plan_page(FAN_OUT, 0, FriendPage(ids(1_045), None), "p1")

    assert [len(message.kwargs["friend_ids"]) for message in plan.messages] == [1_000, 45]
    assert plan.key == "0:p1:2:1045:last"


def test_a_page_with_more_behind_it_ends_in_the_message_that_goes_on() -> None:
    plan = plan_page(FAN_OUT, 3, FriendPage(ids(PAGE_SIZE), "u09999"), "p1")

    *chunks, more = plan.messages
    assert [message.task for message in chunks] == ["deliver_news"] * 10
    assert more.task == "notify_friends_page"
    assert more.kwargs["page"] == 4
    assert more.kwargs["after"] == "u09999"
    assert plan.key == "3:p1:10:10000:more"


def test_an_empty_last_page_is_a_plan_of_no_parts() -> None:
    plan = plan_page(FAN_OUT, 1, FriendPage((), None), "p1")

    assert plan.messages == ()
    assert plan.key == "1:p1:0:0:last"


def test_the_reporting_message_is_the_task_as_it_was_called() -> None:
    assert FAN_OUT.message == Message("notify_friends", "t1", ("80", "n1"), queue="notifications")


def test_parts_stay_within_the_limits_of_a_message_for_the_longest_ids() -> None:
    fan_out = FanOut("t" * MAX_ID_LENGTH, "notifications", "a" * 128, "n" * 128, 1_900_000_000)
    friends = tuple(f"{number:0128}" for number in range(CHUNK_SIZE))

    plan = plan_page(fan_out, 99_999, FriendPage(friends, friends[-1]), "p" * 12)

    for message in plan.messages:
        assert len(message.id) <= MAX_ID_LENGTH
        assert len(encode(message)) <= MAX_BYTES / 4
        assert decode(encode(message)).id == message.id


@given(count=st.integers(0, 3 * CHUNK_SIZE), page=st.integers(0, 500), more=st.booleans())
def test_each_friend_is_in_one_chunk_and_the_plan_is_done_when_all_chunks_are(
    count: int, page: int, more: bool
) -> None:
    friends = ids(count)
    plan = plan_page(
        FAN_OUT, page, FriendPage(friends, friends[-1] if more and count else None), "p"
    )

    chunks = chunks_of(plan.messages)
    planned = [friend for message in chunks for friend in message.kwargs["friend_ids"]]
    done = {
        Chunk(**message.kwargs["chunk"]).done_key(len(message.kwargs["friend_ids"]))
        for message in chunks
    }
    assert planned == list(friends)
    assert len(done) == len(chunks)
    parts = Parts(frozenset({plan.key}), frozenset(done))
    assert (parts.count, parts.planned_count) == (count, count)


@given(count=st.integers(0, 2 * CHUNK_SIZE))
def test_arguments_survive_the_queue(count: int) -> None:
    plan = plan_page(FAN_OUT, 0, FriendPage(ids(count), None), "p1")

    for message in plan.messages:
        received = decode(encode(message))
        assert FanOut(**received.kwargs["fan_out"]) == FAN_OUT
        assert json.loads(json.dumps(message.kwargs)) == received.kwargs
        assert (received.queue, received.parent_id) == ("notifications", "t1")
