"""The fan-out is exact: whatever is delivered twice, in any order, and wherever a worker dies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social import fanout, notifying
from taskqueue.errors import Throttled
from taskqueue.message import Message
from taskqueue.records import states
from tests.unit.social.simulation import TASK_ID, Fuse, WorkerDied, World, run_all

CHUNK = 3
PAGE = 7


@pytest.fixture(autouse=True, scope="module")
def _small_pages() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout, "CHUNK_SIZE", CHUNK)
        patch.setattr(notifying, "PAGE_SIZE", PAGE)
        yield


def world_of(count: int) -> World:
    world = World(tuple(f"u{number:03}" for number in range(count)))
    world.start()
    return world


def first(count: int) -> int:
    return 0


def assert_exact(world: World) -> None:
    assert set(world.deliveries) == set(world.friends)
    assert world.record.status == states.SUCCESS
    assert world.record.result == len(world.friends)


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, PAGE, PAGE + 1, 3 * PAGE, 50])
def test_every_friend_is_served_once_when_nothing_goes_wrong(count: int) -> None:
    world = world_of(count)

    run_all(world, first)

    assert_exact(world)
    assert set(world.deliveries.values()) <= {1}


def test_few_friends_are_served_by_the_task_itself() -> None:
    world = world_of(CHUNK)

    world.receive(0, Fuse(), again=False)

    assert world.queue == []
    assert_exact(world)


def test_many_friends_are_handed_over_and_the_task_shows_progress() -> None:
    world = world_of(CHUNK + 1)

    world.receive(0, Fuse(), again=False)
    assert world.record.status == states.PROGRESS
    assert world.record.parts is not None
    assert world.record.parts.count == 0

    world.receive(0, Fuse(), again=False)
    assert world.record.status == states.PROGRESS
    assert world.record.parts.count == CHUNK

    world.receive(0, Fuse(), again=False)
    assert_exact(world)


def test_parts_that_are_done_before_their_plan_is_recorded_are_counted() -> None:
    world = world_of(CHUNK + 1)
    dies_before_the_plan = Fuse(3)
    world.receive(0, dies_before_the_plan, again=False)
    assert world.record.parts is None

    task = next(i for i, message in enumerate(world.queue) if message.id == TASK_ID)
    again = world.queue.pop(task)
    run_all(world, first)
    assert world.record.status == states.STARTED

    world.queue.append(again)
    run_all(world, first)
    assert_exact(world)


@pytest.mark.parametrize("count", [CHUNK, 2 * CHUNK, PAGE, PAGE + 1, 2 * PAGE + 1])
@pytest.mark.parametrize("message", range(6))
@pytest.mark.parametrize("order", [0, -1])
def test_a_worker_that_dies_after_any_of_its_steps_loses_and_doubles_nothing(
    count: int, message: int, order: int
) -> None:
    for step in range(20):
        world = world_of(count)
        for number in range(message + 1):
            if world.queue:
                fuse = Fuse(step) if number == message else Fuse()
                world.receive(order, fuse, again=False)

        run_all(world, lambda left: order % left)

        assert_exact(world)


@settings(max_examples=300, deadline=None)
@given(count=st.integers(0, 5 * PAGE), data=st.data())
def test_any_order_any_redelivery_any_deaths(count: int, data: st.DataObject) -> None:
    world = world_of(count)
    for _ in range(data.draw(st.integers(0, 25), label="disturbed deliveries")):
        if not world.queue:
            break
        index = data.draw(st.integers(0, len(world.queue) - 1), label="message")
        steps = data.draw(st.none() | st.integers(0, 15), label="dies after steps")
        error = data.draw(st.sampled_from([WorkerDied, Throttled]), label="how")
        world.receive(index, Fuse(steps, error), again=data.draw(st.booleans(), label="again"))

    seed = data.draw(st.randoms(use_true_random=False))
    run_all(world, seed.randrange)

    assert_exact(world)


def test_a_part_of_a_task_that_nobody_knows_any_more_still_delivers() -> None:
    world = world_of(CHUNK + 1)
    world.receive(0, Fuse(), again=False)
    world.tasks.forget(TASK_ID)
    parts: list[Message] = list(world.queue)

    run_all(world, first)

    assert set(world.deliveries) == set(world.friends)
    assert len(parts) == 2
