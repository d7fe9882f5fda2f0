"""The worker dies before or after any call that it makes; nothing is lost, and all ends well."""

import contextlib
from typing import Any

import pytest

from taskqueue.app import App
from taskqueue.context import DEFERRED, Context
from taskqueue.groups.finishing import end_whole, finish_part
from taskqueue.groups.part import Done, Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import Message
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import Died, Rig

DUE_MS = NOW_MS + 100_000


class Scene:
    """A batch with a task of each fate."""

    def __init__(self) -> None:
        self.app = App("test", queue="work")
        self.runs: dict[str, list[int]] = {}
        self.rig = Rig(self.app)
        retried: dict[str, Any] = {
            "autoretry_for": (ConnectionError,),
            "retry_backoff": 1,
            "max_retries": 1,
        }
        self.app.task(name="add", bind=True)(self.add)
        self.app.task(name="flaky", bind=True, **retried)(self.flaky)
        self.app.task(name="doomed", bind=True, **retried)(self.doomed)
        self.app.task(name="fail", bind=True)(self.fail)
        self.app.task(name="parent", bind=True)(self.parent)
        self.app.task(name="harmless", bind=True, idempotent=True)(self.harmless)
        self.rig.send(
            Message("add", "add", [1, 2]),
            Message("flaky", "flaky"),
            Message("doomed", "doomed"),
            Message("fail", "fail"),
            Message("parent", "parent"),
            Message("harmless", "harmless"),
            Message("add", "early", [1, 2], eta_ms=DUE_MS),
            Message("add", "expired", [1, 2], expires_at_ms=NOW_MS),
            Message("add", "add", [1, 2]),
        )
        self.rig.send_bodies("junk")

    def ran(self, run: Context) -> None:
        self.runs.setdefault(run.id, []).append(run.now_ms())

    def add(self, run: Context, a: int, b: int) -> int:
        self.ran(run)
        return a + b

    def flaky(self, run: Context) -> str:
        self.ran(run)
        if run.retries == 0:
            raise ConnectionError
        return "at last"

    def doomed(self, run: Context) -> None:
        self.ran(run)
        raise ConnectionError("gone")

    def fail(self, run: Context) -> None:
        self.ran(run)
        raise ValueError("no")

    def parent(self, run: Context) -> Any:
        """Plan one part, do it here, and finish the task by it."""
        self.ran(run)
        if run.plan_parts(PartsPlan(1, 7, is_whole=True)):
            whole = finish_part(run.store, Part(run.id, 0, 1), Done(7), run.now_ms())
            assert whole is not None
            end_whole(run.store, run.message, whole, run.now_ms())
        return DEFERRED

    def harmless(self, run: Context) -> None:
        self.ran(run)

    def play_to_the_end(self) -> None:
        """Let time pass, with workers that live, until the queue is empty."""
        self.rig.fuse.mend()
        self.rig.deliver_until_empty()

    def check(self, deaths: int) -> None:
        """Check that every task ended as promised, however often a worker died."""
        rig = self.rig
        results = {"add": 3, "early": 3, "flaky": "at last", "parent": 7}
        for task_id, result in results.items():
            record = rig.record(task_id)
            assert (task_id, record.status, record.result) == (task_id, "SUCCESS", result)
        assert rig.statuses(["doomed", "fail", "expired"]) == ["FAILURE", "FAILURE", "REVOKED"]
        reasons = rig.reasons()
        assert any(reason.startswith("failed after 1 retries") for reason in reasons)
        assert any("neither JSON" in reason for reason in reasons)
        assert len(reasons) <= 2 + 2 * deaths
        assert "expired" not in self.runs
        assert min(self.runs["early"]) >= DUE_MS
        once = {"add": 1, "early": 1, "fail": 1, "flaky": 2, "doomed": 2, "parent": 1}
        for task_id, runs in {**once, "harmless": 1}.items():
            assert runs <= len(self.runs[task_id]) <= runs + deaths


def test_without_a_death() -> None:
    scene = Scene()
    scene.play_to_the_end()
    scene.check(deaths=0)


def calls_of_a_whole_play() -> int:
    scene = Scene()
    scene.play_to_the_end()
    return len(scene.rig.fuse.calls)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
@pytest.mark.parametrize("number", range(calls_of_a_whole_play()))
def test_a_death_at_any_call(moment: str, number: int) -> None:
    scene = Scene()
    setattr(scene.rig.fuse, moment, number)
    with contextlib.suppress(Died):
        scene.rig.deliver_until_empty()
    assert scene.rig.fuse.dead
    scene.play_to_the_end()
    scene.check(deaths=1)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
@pytest.mark.parametrize("calls", [1, 2, 3, 4, 5, 6, 8])
def test_as_many_deaths_as_a_task_may_survive(moment: str, calls: int) -> None:
    scene = Scene()
    for _ in range(MAX_LOST_ATTEMPTS - 1):
        setattr(scene.rig.fuse, moment, len(scene.rig.fuse.calls) + calls - 1)
        with contextlib.suppress(Died):
            scene.rig.deliver_until_empty()
        scene.rig.fuse.mend()
    scene.play_to_the_end()
    scene.check(deaths=MAX_LOST_ATTEMPTS - 1)


def test_every_batch_is_delivered_twice() -> None:
    scene = Scene()
    rig, batches = scene.rig, 0
    while rig.waiting():
        batches += 1
        rig.now_ms = max(rig.now_ms, min(message.visible_at_ms for message in rig.waiting()))
        rig.deliver(lose_acknowledgement=True)
        rig.now_ms = max(rig.now_ms, min(message.visible_at_ms for message in rig.waiting()))
        rig.deliver()
    scene.check(deaths=batches)
