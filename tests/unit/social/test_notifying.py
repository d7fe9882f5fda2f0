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


def world_of(count: int) -> World:
    return World([f"u{number:03}" for number in range(count)])


def first(count: int) -> int:
    return 0


def last(count: int) -> int:
    return count - 1


def assert_exact(world: World) -> None:
    assert set(world.deliveries) == set(world.friends)
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


def test_many_friends_are_handed_over_and_the_task_shows_progress() -> None:
    world = world_of(CHUNK + 1)

    world.receive()
    assert world.record.status == states.PROGRESS
    assert world.record.parts is not None
    assert world.record.parts.count == 0

    world.receive()
    assert world.record.status == states.PROGRESS
    assert world.record.parts is not None
    assert world.record.parts.count == CHUNK

    world.receive()
    assert_exact(world)


def test_parts_that_are_done_before_their_plan_is_recorded_are_counted() -> None:
    world = world_of(CHUNK + 1)
    world.receive(0, 1, Trouble("plan_parts"))
    assert world.record.parts is None

    parts = world.waiting()
    for _ in parts:
        world.receive()
    assert set(world.deliveries) == set(world.friends)
    assert world.record.status == states.STARTED

    world.receive_all(first)
    assert_exact(world)


def test_who_dies_when_its_parts_are_done_before_their_plan_is_followed_by_another() -> None:
    world = world_of(CHUNK + 1)
    is_overtaken = Trouble("plan_parts", "is overtaken")
    world.receive(0, 1, is_overtaken, Trouble("plan_parts", "dies after"))
    assert set(world.deliveries) == set(world.friends)
    assert world.record.status == states.PROGRESS

    world.receive_all(first)
    assert_exact(world)


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


@settings(max_examples=300, deadline=None)
@given(count=st.integers(0, 5 * PAGE), deliveries=DELIVERIES, data=st.data())
def test_any_order_any_copies_any_batches_any_trouble(
    count: int, deliveries: list[Kind | None], data: st.DataObject
) -> None:
    world = world_of(count)
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

    assert set(world.deliveries) == set(world.friends)
    assert world.rig.store.get(MESSAGE.id) is None
