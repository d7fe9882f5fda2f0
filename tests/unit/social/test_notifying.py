"""The fan-out is exact: whatever is delivered twice, in any order, and wherever a worker dies."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social import fanout, notifying
from taskqueue.records import states
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.social.simulation import MESSAGE, Kind, Trouble, World

CHUNK = 3
PAGE = 7
# With more deaths, or more faults than it has retries, a task is rightly given up.
MAX_DEATHS = MAX_LOST_ATTEMPTS - 1
MAX_FAULTS = 5

# A delivery of one message makes few calls; what is set for a later one does not happen.
CALLS = st.integers(0, 15)
_DEATHS: st.SearchStrategy[list[Kind | None]] = st.lists(
    st.sampled_from(["dies before", "dies after"]), max_size=MAX_DEATHS
)
_FAULTS: st.SearchStrategy[list[Kind | None]] = st.lists(st.just("fails"), max_size=MAX_FAULTS)
_NOTHING: st.SearchStrategy[list[Kind | None]] = st.lists(st.none(), max_size=15)
DELIVERIES = st.tuples(_DEATHS, _FAULTS, _NOTHING).flatmap(
    lambda kinds: st.permutations([kind for some in kinds for kind in some])
)


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "CHUNK_SIZE", CHUNK)
        patch.setattr(notifying, "PAGE_SIZE", PAGE)
        yield


def world_of(count: int, page_ms: int = 0) -> World:
    return World([f"u{number:03}" for number in range(count)], page_ms)


def first(count: int) -> int:
    return 0


def last(count: int) -> int:
    return count - 1


def assert_exact(world: World) -> None:
    assert set(world.deliveries) == world.friends
    assert world.record.status == states.SUCCESS
    assert world.record.result == len(world.friends)
    assert world.rig.reasons() == []


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, PAGE, PAGE + 1, 3 * PAGE, 50])
def test_every_friend_is_served_once_when_nothing_goes_wrong(count: int) -> None:
    world = world_of(count)

    world.receive_all(first)

    assert_exact(world)
    assert set(world.deliveries.values()) <= {1}


def test_few_friends_are_served_by_the_task_itself() -> None:
    world = world_of(CHUNK)

    world.receive()

    assert world.waiting() == []
    assert_exact(world)


def test_many_friends_are_handed_over_to_parts() -> None:
    world = world_of(CHUNK + 1)

    world.receive()
    assert world.record.status == states.PROGRESS
    assert world.record.parts is not None
    assert (world.record.parts.plan.parts, world.record.parts.plan.count) == (2, CHUNK + 1)

    world.receive_all(first)
    assert_exact(world)


def test_who_dies_before_the_parts_are_sent_is_followed_by_another() -> None:
    world = world_of(CHUNK + 1)
    world.receive(0, 1, Trouble("plan_parts", "dies after"))
    assert world.record.status == states.PROGRESS
    assert not world.deliveries

    world.receive_all(first)
    assert_exact(world)


def test_a_planner_goes_on_in_its_next_turn_when_half_of_its_time_is_gone() -> None:
    world = world_of(12 * PAGE, page_ms=4_000)

    turns = 0
    while not (world.record.parts and world.record.parts.plan.is_whole):
        planner = [message for message in world.waiting() if "deliver_news" not in message.body]
        world.receive(world.waiting().index(planner[0]))
        turns += 1
    # The page with which half of 30 s is gone is the fourth.
    assert turns == 3
    assert (world.record.turn, world.record.retries) == (2, 0)

    world.receive_all(last)
    assert_exact(world)
    assert set(world.deliveries.values()) == {1}


def test_a_part_that_is_done_delivers_nothing_a_second_time() -> None:
    world = world_of(CHUNK + 1)
    world.receive()
    world.receive(0, 1, twice=True)

    world.receive_all(first)

    assert_exact(world)
    assert set(world.deliveries.values()) == {1}


@pytest.mark.parametrize("deliveries", range(1, 5))
def test_a_fan_out_that_is_revoked_goes_to_no_further_friend(deliveries: int) -> None:
    world = world_of(3 * PAGE, page_ms=16_000)
    for _ in range(deliveries):
        world.receive()
    delivered = world.deliveries.copy()

    world.rig.store.revoke(MESSAGE.id, world.rig.now_ms)
    world.receive_all(first)

    assert world.deliveries == delivered
    assert world.record.status == states.REVOKED
    assert world.rig.reasons() == []


@pytest.mark.parametrize("kind", ["dies before", "dies after", "fails", "is overtaken"])
@pytest.mark.parametrize("count", [CHUNK, 2 * CHUNK, PAGE, PAGE + 1, 2 * PAGE + 1])
@pytest.mark.parametrize("message", range(6))
def test_trouble_at_any_call_loses_and_doubles_nothing(
    kind: Kind, count: int, message: int
) -> None:
    for choose, call in itertools.product([first, last], range(12)):
        world = world_of(count)
        for number in range(message + 1):
            if waiting := world.waiting():
                troubles = [Trouble(call, kind)] if number == message else []
                world.receive(choose(len(waiting)), 1, *troubles)

        world.receive_all(choose)

        assert_exact(world)


@settings(max_examples=300)
@given(
    count=st.integers(0, 5 * PAGE),
    page_ms=st.sampled_from([0, 6_000, 16_000]),
    deliveries=DELIVERIES,
    data=st.data(),
)
def test_any_order_any_copies_any_batches_any_trouble(
    count: int, page_ms: int, deliveries: list[Kind | None], data: st.DataObject
) -> None:
    world = world_of(count, page_ms)
    for kind in deliveries:
        waiting = world.waiting()
        if not waiting:
            break
        kinds: list[Kind] = [kind] if kind else []
        if data.draw(st.booleans(), label="overtaken"):
            kinds.append("is overtaken")
        troubles = [Trouble(data.draw(CALLS, label="call"), kind) for kind in kinds]
        world.receive(
            data.draw(st.integers(0, len(waiting) - 1), label="message"),
            data.draw(st.integers(1, 4), label="messages of the batch"),
            *troubles,
            twice=data.draw(st.booleans(), label="twice"),
        )

    world.receive_all(data.draw(st.randoms(use_true_random=False)).randrange)

    assert_exact(world)


def test_a_part_of_a_task_that_nobody_knows_any_more_still_delivers() -> None:
    world = world_of(CHUNK + 1)
    world.receive()
    world.rig.store = MemoryTaskStore()

    world.receive_all(first)

    assert set(world.deliveries) == world.friends
    assert world.rig.store.get(MESSAGE.id) is None
