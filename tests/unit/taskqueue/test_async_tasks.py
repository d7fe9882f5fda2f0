"""`async def` tasks: together on one loop, each with limits of its own."""

import asyncio
import contextlib
import subprocess
import sys
import time
from typing import Any

import pytest

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.errors import SoftTimeLimitExceeded
from taskqueue.message import Message
from taskqueue.records.lease import Claim
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import VISIBILITY_SECONDS, Died, Rig


class Tasks:
    """An app of coroutines that end in every way, and what happened in which order."""

    def __init__(self) -> None:
        self.app = App("test", queue="work")
        self.happened: list[str] = []
        for name, options in OPTIONS.items():
            self.app.task(name=name, bind=True, **options)(getattr(self, name))

    async def wait(self, run: Context, seconds: float) -> str:
        self.happened.append(f"{run.id} begins")
        await asyncio.sleep(seconds)
        self.happened.append(f"{run.id} ends")
        return run.id

    async def limited(self, run: Context, seconds: float) -> str:
        with contextlib.suppress(Exception):
            await asyncio.sleep(seconds)
        return "in time"

    async def tidy(self, run: Context) -> str:
        try:
            await asyncio.sleep(5)
        except SoftTimeLimitExceeded:
            await asyncio.sleep(0.01)
            return "tidied"
        return "never"

    async def fail(self, run: Context) -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def again(self, run: Context) -> str:
        if run.retries == 0:
            run.retry(countdown=5)
        return "again"

    async def cancel(self, run: Context) -> None:
        raise asyncio.CancelledError

    async def block(self, run: Context, seconds: float) -> str:
        time.sleep(seconds)
        return run.id

    async def die(self, run: Context) -> None:
        raise Died

    def plain(self, run: Context) -> str:
        self.happened.append(f"{run.id} runs")
        return run.id


OPTIONS: dict[str, dict[str, Any]] = {
    "wait": {},
    "limited": {"time_limit": 0.05},
    "tidy": {"soft_time_limit": 0.05},
    "fail": {},
    "again": {},
    "cancel": {},
    "block": {},
    "die": {},
    "plain": {},
}


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def rig(tasks: Tasks) -> Rig:
    return Rig(tasks.app)


def test_those_of_a_batch_run_together(rig: Rig, tasks: Tasks) -> None:
    rig.send(*[Message("wait", f"id-{number}", [0.05]) for number in range(10)])
    assert rig.deliver() == 0
    assert rig.statuses(f"id-{number}" for number in range(10)) == ["SUCCESS"] * 10
    assert [one.split()[1] for one in tasks.happened] == ["begins"] * 10 + ["ends"] * 10
    assert rig.fuse.calls == ["change_message_visibility_batch", "claim", "finish"]


def test_each_ends_in_its_own_way(rig: Rig) -> None:
    rig.send(
        Message("wait", "good", [0.01]),
        Message("fail", "bad"),
        Message("limited", "slow", [5]),
        Message("tidy", "soft"),
        Message("cancel", "cancelled"),
    )
    assert rig.deliver() == 0
    errors = {name: rig.record(name).error for name in ("bad", "slow", "cancelled")}
    assert [error and error.type for error in errors.values()] == [
        "ValueError",
        "TimeLimitExceeded",
        "CancelledError",
    ]
    assert rig.statuses(["good", "soft"]) == ["SUCCESS", "SUCCESS"]
    assert rig.record("soft").result == "tidied"


def test_the_caller_s_limit_counts_too(rig: Rig) -> None:
    rig.send(Message("wait", "a", [5], time_limit_seconds=0.05))
    assert rig.deliver() == 0
    assert rig.record("a").status == "FAILURE"


def test_a_retry(rig: Rig) -> None:
    rig.send(Message("again", "a"))
    assert rig.deliver() == 0
    assert rig.hidden_seconds() == [4]
    rig.deliver_until_empty()
    assert rig.record("a").result == "again"


def test_functions_run_after_them(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("plain", "p"), Message("wait", "w", [0.01]))
    assert rig.deliver() == 0
    assert tasks.happened == ["w begins", "w ends", "p runs"]


def test_what_is_due_soon_is_waited_for(rig: Rig) -> None:
    rig.send(Message("wait", "a", [0], eta_ms=NOW_MS + 1_500), Message("wait", "b", [0]))
    assert rig.deliver() == 0
    assert rig.slept == [1.5]
    assert rig.record("a").finished_at_ms == NOW_MS + 1_500


def test_what_was_expired_does_not_run(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("wait", "a", [0], expires_at_ms=NOW_MS))
    assert rig.deliver() == 0
    assert (rig.record("a").status, tasks.happened) == ("REVOKED", [])


def test_one_that_needs_all_the_time_of_its_worker_has_failed(rig: Rig) -> None:
    rig.remaining_ms = 1_050
    rig.send(Message("wait", "long", [5]), Message("wait", "short", [0]))
    assert rig.deliver() == 0
    error = rig.record("long").error
    assert error is not None
    assert error.type == "TimeLimitExceeded"
    assert rig.record("short").status == "SUCCESS"


def test_one_that_had_less_than_all_the_time_is_given_back(rig: Rig) -> None:
    suspect = Message("wait", "suspect", [5])
    rig.store.claim([Claim(suspect, rig.now_ms, "of a dead worker", "n-0")], rig.now_ms)
    rig.remaining_ms = 1_100
    rig.send(suspect, Message("wait", "other", [0]))
    assert rig.deliver() == 1
    assert rig.statuses(["suspect", "other"]) == ["PENDING", "SUCCESS"]


def test_a_blocked_loop_gives_its_batch_back(rig: Rig) -> None:
    rig.remaining_ms = 1_050
    rig.send(Message("wait", "a", [1]), Message("block", "b", [5]))
    started = time.monotonic()
    rig.deliver()
    assert time.monotonic() - started < 2
    rig.remaining_ms = 30_000
    assert not {"STARTED"} & set(rig.statuses("ab"))


@pytest.mark.parametrize("kind", ["time_limit", "soft_time_limit"])
@pytest.mark.parametrize("waits_for", ["group", "gather"])
def test_what_a_task_waits_for_ends_with_its_limit(
    rig: Rig, tasks: Tasks, kind: str, waits_for: str
) -> None:
    async def child() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            tasks.happened.append("child ends")

    async def of_group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(child())

    options: dict[str, Any] = {kind: 0.05}

    @tasks.app.task(name="whole", **options)
    async def whole() -> None:
        await (of_group() if waits_for == "group" else asyncio.gather(child()))

    rig.send(Message("whole", "a"), Message("wait", "b", [0.1]))
    assert rig.deliver() == 0
    assert tasks.happened == ["b begins", "child ends", "b ends"]
    error = rig.record("a").error
    assert error is not None
    assert error.type == ("TimeLimitExceeded" if kind == "time_limit" else "SoftTimeLimitExceeded")


def test_of_two_limits_that_come_while_the_loop_is_busy_the_hard_one_counts(
    rig: Rig, tasks: Tasks
) -> None:
    @tasks.app.task(name="busy", soft_time_limit=0.05, time_limit=0.1)
    async def busy() -> None:
        time.sleep(0.2)
        with contextlib.suppress(SoftTimeLimitExceeded):
            await asyncio.sleep(5)
        await asyncio.sleep(5)

    rig.send(Message("busy", "a"))
    started = time.monotonic()
    assert rig.deliver() == 0
    assert time.monotonic() - started < 2
    error = rig.record("a").error
    assert error is not None
    assert error.type == "TimeLimitExceeded"


def test_tasks_that_block_the_loop_one_after_the_other_end_with_the_worker_s_time(
    rig: Rig, tasks: Tasks
) -> None:
    @tasks.app.task(name="stubborn")
    async def stubborn() -> None:
        await asyncio.sleep(0)
        for _ in range(2):
            with contextlib.suppress(BaseException):
                time.sleep(5)

    rig.remaining_ms = 1_050
    rig.send(*[Message("stubborn", name) for name in "abc"], Message("wait", "innocent", [0.5]))
    started = time.monotonic()
    rig.deliver()
    assert time.monotonic() - started < 2
    assert "STARTED" not in rig.statuses(["a", "b", "c", "innocent"])
    assert rig.record("innocent").status == "PENDING"


def test_a_task_that_blocks_the_loop_for_ever_fails_and_its_batch_does_not(rig: Rig) -> None:
    rig.remaining_ms = 1_050
    rig.send(Message("block", "blocker", [5]), Message("wait", "innocent", [0.01]))
    rig.deliver_until_empty()
    assert rig.statuses(["blocker", "innocent"]) == ["FAILURE", "SUCCESS"]


def test_tasks_that_never_end_neither_come_back_for_ever_nor_hang_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.taskqueue.endless_tasks"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert [line for line in ended.stdout.splitlines() if not line.startswith("{")] == [
        "endless: FAILURE",
        "beside endless: SUCCESS",
        "limited: FAILURE",
        "beside limited: SUCCESS",
        # It waits for its children, so that nothing reaches it.
        "endless_children: PENDING",
        "beside endless_children: SUCCESS",
        # It had less than all the time of its worker.
        "suspect: PENDING",
        "beside suspect: SUCCESS",
    ]


def test_one_that_may_kill_its_worker_is_not_begun_when_its_limit_no_longer_fits(
    rig: Rig, tasks: Tasks
) -> None:
    @tasks.app.task(name="long", time_limit=5)
    async def long() -> None:
        tasks.happened.append("long begins")

    rig.send(Message("long", "suspect"))
    (waiting,) = rig.waiting()
    claim = Claim(Message("long", "suspect", queue="work"), NOW_MS - 1, waiting.id, "n-1")
    rig.store.claim([claim], NOW_MS - 2)
    rig.remaining_ms = 3_000
    rig.send(Message("plain", "p"))
    assert rig.deliver() == 1
    assert tasks.happened == ["p runs"]
    assert rig.record("suspect").status == "PENDING"


def test_a_task_that_cancels_itself_has_failed(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="own_cancel")
    async def own_cancel() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        raise ValueError("after that")

    rig.send(Message("own_cancel", "a"), Message("wait", "b", [0.01]))
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["FAILURE", "SUCCESS"]


def test_a_task_whose_child_ends_the_process_does_not_end_the_batch(rig: Rig, tasks: Tasks) -> None:
    async def leave() -> None:
        raise SystemExit(1)

    @tasks.app.task(name="leaves")
    async def leaves() -> None:
        await asyncio.gather(leave(), asyncio.sleep(1))

    rig.send(Message("leaves", "bad"), Message("plain", "good"))
    rig.deliver()
    assert rig.record("good").status == "SUCCESS"
    rig.deliver_until_empty()
    assert rig.reasons() == [f"its worker died {MAX_LOST_ATTEMPTS} times"]


def test_the_loop_lives_as_long_as_the_worker(rig: Rig, tasks: Tasks) -> None:
    loops: list[Any] = []

    @tasks.app.task(name="where")
    async def where() -> None:
        loops.append(asyncio.get_running_loop())

    worker = rig.worker()
    for name in "ab":
        rig.send(Message("where", name))
        assert rig.deliver(worker=worker) == 0
    assert loops[0] is loops[1]


def test_one_that_kills_its_worker_is_run_alone_in_the_end(rig: Rig) -> None:
    rig.send(Message("die", "killer"), Message("wait", "bystander", [0]))
    while rig.waiting():
        with contextlib.suppress(Died):
            rig.deliver()
        rig.now_ms += VISIBILITY_SECONDS * 1000
    assert rig.record("bystander").status == "SUCCESS"
    assert rig.reasons() == [f"its worker died {MAX_LOST_ATTEMPTS} times"]
