"""A message that is too large for a schedule goes to its time hop by hop, and alone.

Scheduler's input has 256 KiB at most, and SQS delays by 15 minutes at most.
https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
"""

import random
from dataclasses import replace

import pytest

from taskqueue.app import App
from taskqueue.errors import StoreError
from taskqueue.message import MAX_BYTES, Message, encode
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import Died, Rig

LARGE = Message("keep", "large", ["x" * 262_144], eta_ms=NOW_MS + 12 * 60 * 60 * 1000)


CALLS_OF_A_HOP = [
    "change_message_visibility_batch",
    "enqueue",
    "take_hop",
    "send_message_batch",
]


@pytest.fixture
def ran_at_ms() -> list[int]:
    return []


@pytest.fixture
def rig(ran_at_ms: list[int]) -> Rig:
    app = App("rules", queue="work")
    rig = Rig(app)

    @app.task
    def keep(text: str) -> None:
        ran_at_ms.append(rig.now_ms)

    rig.schedule_far()
    return rig


@pytest.mark.parametrize("lost", [0.0, 0.1, 0.3])
def test_copies_of_a_message_that_goes_by_its_queue_do_not_multiply(
    rig: Rig, ran_at_ms: list[int], lost: float
) -> None:
    rig.send(LARGE)
    rig.send(LARGE)
    chance, most = random.Random(7), 0
    while times := [message.visible_at_ms for message in rig.waiting()]:
        rig.now_ms = max(rig.now_ms, min(times))
        rig.deliver(lose_acknowledgement=chance.random() < lost)
        most = max(most, len(rig.waiting()))
    assert ran_at_ms == [LARGE.eta_ms]
    # Doubled with each hop, they are hundreds.
    assert most <= 6


@pytest.mark.parametrize("death", ["die_before", "die_after"])
@pytest.mark.parametrize("call", range(4))
def test_a_worker_that_dies_as_it_sends_a_message_on_does_not_lose_it(
    rig: Rig, ran_at_ms: list[int], death: str, call: int
) -> None:
    rig.send(LARGE)
    setattr(rig.fuse, death, call)
    with pytest.raises(Died):
        rig.deliver()
    assert rig.fuse.calls[:4] == CALLS_OF_A_HOP[: len(rig.fuse.calls)]
    rig.fuse.mend()
    rig.deliver_until_empty()
    assert ran_at_ms == [LARGE.eta_ms]


def test_a_hop_that_cannot_be_written_comes_back(rig: Rig, ran_at_ms: list[int]) -> None:
    rig.send(LARGE)
    rig.fuse.errors["take_hop"] = [StoreError()]
    assert rig.deliver() == 1
    rig.deliver_until_empty()
    assert ran_at_ms == [LARGE.eta_ms]


def test_a_message_without_room_for_a_number_goes_on_all_the_same(
    rig: Rig, ran_at_ms: list[int]
) -> None:
    body = encode(replace(LARGE, args=[""]))
    rest = MAX_BYTES - len(body) - 1
    rig.send_bodies(encode(replace(LARGE, args=["x" * (rest // 4 * 3)])))
    rig.deliver_until_empty()
    assert "take_hop" not in rig.fuse.calls
    assert ran_at_ms == [LARGE.eta_ms]
