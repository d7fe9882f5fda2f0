"""A whole ends once all its parts have, in any order and under any duplication."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from taskqueue.groups import finishing
from taskqueue.groups.part import SHARD_PARTS, Done, Failed, Part, PartEnd
from taskqueue.groups.progress import Parts, PartsPlan, Whole, shard_told
from taskqueue.groups.shard import MAX_FIRST_ERROR_LENGTH, Shard
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.lease import Claim
from taskqueue.records.meta import ErrorInfo
from taskqueue.testing.records import MemoryTaskStore

NOW_MS = 1_763_827_200_000
WHOLE = Message("whole", "w")


def planned(size: int, *, is_whole: bool = True) -> MemoryTaskStore:
    """Return a store with a running task that has planned so many parts."""
    store = MemoryTaskStore()
    store.enqueue(WHOLE, NOW_MS)
    store.claim([Claim(WHOLE, NOW_MS + 1_000, "m", "n")], NOW_MS)
    assert store.plan_parts("w", 1, PartsPlan(size, size, is_whole))
    return store


def finish(store: MemoryTaskStore, part: Part, end: PartEnd) -> Whole | None:
    whole = finishing.finish_part(store, part, end, NOW_MS)
    if whole:
        finishing.end_whole(store, WHOLE, whole, NOW_MS)
    return whole


def state(store: MemoryTaskStore) -> tuple[str, object]:
    record = store.get("w")
    assert record is not None
    return record.status, record.result


# ---------------------------------------------------------------- a shard


def test_a_shard_is_full_with_64_parts_or_with_all_that_there_are() -> None:
    some = Shard(1, {64 + place: 1 for place in range(10)})
    full = Shard(1, {64 + place: 1 for place in range(64)})

    assert not some.is_full(None)
    assert not some.is_full(75)
    assert some.is_full(74)
    assert full.is_full(None)
    assert full.is_full(128)


def test_the_first_end_fixes_what_a_part_counts() -> None:
    part = Part("w", 3)
    shard = Shard(0).ended(part, Done(5)).ended(part, Done(4))

    assert shard.counts == {3: 5}


def test_a_part_that_failed_is_done_once_it_is_redriven_whatever_comes_later() -> None:
    part = Part("w", 3, size=4)
    failed = Shard(0, {0: 1, 1: 1, 2: 1}).ended(part, Failed("no" * 1_000))
    assert (failed.is_full(4), failed.failures, failed.has_done(part)) == (True, 1, False)
    assert failed.error == "no" * (MAX_FIRST_ERROR_LENGTH // 2)

    done = failed.ended(part, Done(9)).ended(part, Failed("late"))
    assert (done.is_full(4), done.failures, done.count) == (True, 0, 12)


# ---------------------------------------------------------------- what the whole is told


def test_of_a_shard_told_twice_the_one_with_fewer_failures_counts() -> None:
    before = Shard(0, {0: 7}, frozenset({1}))
    after = replace(before, counts={0: 7, 1: 3})
    told = frozenset({shard_told(before), shard_told(after)})
    parts = Parts(PartsPlan(2, 10, is_whole=True), told)

    assert (parts.is_complete, parts.count, parts.failures) == (True, 10, 0)


def test_keys_that_are_none_and_shards_beyond_the_plan_say_nothing() -> None:
    parts = Parts(PartsPlan(3, 30, is_whole=True), frozenset({"x", "0:1", "1:10:0", "0:-1:0"}))

    assert (parts.is_complete, parts.count, parts.open_shards) == (False, 0, [0])


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = PartsPlan(12, 11_500, is_whole=False, cursor=["a", "b"])
    assert PartsPlan.parse(plan.text) == plan


# ---------------------------------------------------------------- ends


def test_one_failed_part_fails_the_whole_when_all_have_ended_and_its_redrive_mends_it() -> None:
    store = planned(100)
    for index in range(99):
        assert finish(store, Part("w", index, 100), Done(1)) is None
    assert finish(store, Part("w", 99, 100), Failed("Throttled: no")) is not None
    record = store.get("w")
    assert record is not None
    assert (record.status, record.error) == (
        states.FAILURE,
        ErrorInfo(
            "PartsFailed",
            ["1 of its parts failed; the first: Throttled: no"],
            "taskqueue.errors",
        ),
    )

    finish(store, Part("w", 99, 100), Done(1))

    assert state(store) == (states.SUCCESS, 100)


def test_parts_of_a_task_that_is_gone_end_nothing() -> None:
    store = MemoryTaskStore()
    for index in range(SHARD_PARTS):
        assert finish(store, Part("w", index), Done(1)) is None


def test_who_says_the_size_finds_a_whole_whose_parts_have_all_ended() -> None:
    store = planned(70, is_whole=False)
    for index in range(70):
        assert finish(store, Part("w", index), Done(2)) is None
    store.plan_parts("w", 1, PartsPlan(70, 140, is_whole=True))

    whole = finishing.set_size(store, "w", 70, NOW_MS)

    assert whole is not None
    assert (whole.count, whole.failures) == (140, 0)


SIZES = st.sampled_from([1, 2, 63, 64, 65, 128, 130, 200])


@given(size=SIZES, data=st.data())
def test_in_any_order_with_copies_the_whole_ends_with_its_last_part(
    size: int, data: st.DataObject
) -> None:
    """Some parts know how many there are, as those do that are sent last; some fail at first."""
    store = planned(size, is_whole=False)
    known_from = data.draw(st.integers(0, size), label="parts that know the size")
    fails = data.draw(st.sets(st.integers(0, size - 1), max_size=5), label="fail")
    order = data.draw(st.permutations([*range(size), *range(0, size, 3)]), label="order")
    sized_at = data.draw(st.integers(0, len(order)), label="when the size is set")
    ended: set[int] = set()
    is_sized = False
    for step in range(len(order) + 1):
        if step == sized_at:
            store.plan_parts("w", 1, PartsPlan(size, size, is_whole=True))
            whole = finishing.set_size(store, "w", size, NOW_MS)
            if whole:
                finishing.end_whole(store, WHOLE, whole, NOW_MS)
            is_sized = True
        if step < len(order):
            index = order[step]
            part = Part("w", index, size if is_sized and index >= known_from else None)
            finish(store, part, Failed("no") if index in fails else Done(1))
            ended.add(index)
        is_over = is_sized and len(ended) == size
        assert (state(store)[0] in states.FINISHED) == is_over
    assert state(store)[0] == (states.FAILURE if fails else states.SUCCESS)

    for index in data.draw(st.permutations(sorted(fails)), label="redriven"):
        finish(store, Part("w", index), Done(1))

    assert state(store) == (states.SUCCESS, size)
