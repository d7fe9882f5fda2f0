"""The worker under SQS's rules: no task is lost to them, and none runs against its word."""

import pytest

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.errors import StoreError
from taskqueue.message import Message
from taskqueue.testing.broker import MemoryBroker, Redrive
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import Died, Rig

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def rig(ran: list[str]) -> Rig:
    app = App("rules", queue="work")

    @app.task(bind=True)
    def note(run: Context) -> None:
        ran.append(run.id)

    @app.task(bind=True, max_retries=None)
    def poll(run: Context, times: int, seconds: float) -> None:
        ran.append(run.id)
        if run.retries < times:
            run.retry(countdown=seconds)

    return Rig(app)


@pytest.mark.parametrize("days", [15, 40])
def test_a_countdown_beyond_the_retention_is_kept(rig: Rig, ran: list[str], days: int) -> None:
    due_ms = NOW_MS + days * DAY_MS
    rig.send(Message("note", "far", eta_ms=due_ms))
    rig.deliver_until_empty(at_most_seconds=days * DAY_MS / 1000 + 60)
    assert ran == ["far"]
    assert rig.record("far").finished_at_ms == due_ms


def test_a_retry_beyond_the_retention_is_kept(rig: Rig, ran: list[str]) -> None:
    rig.send(Message("poll", "far", [1, 20 * DAY_MS / 1000]))
    rig.deliver_until_empty(at_most_seconds=21 * DAY_MS / 1000)
    assert (ran, rig.record("far").status) == (["far", "far"], "SUCCESS")


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_far_retry_that_a_dead_worker_left_does_not_run_a_task_that_ended(
    rig: Rig, ran: list[str], seconds: int
) -> None:
    """Its attempt ran again and ended, or asked for a nearer retry; then its record went."""
    scheduler = rig.schedule_far()
    waits = [20 * DAY_MS / 1000, seconds] if seconds else [20 * DAY_MS / 1000]

    @rig.app.task(bind=True)
    def moody(run: Context) -> None:
        if waits:
            run.retry(countdown=waits.pop(0))
        ran.append(run.id)

    rig.send(Message("moody", "far"))
    rig.fuse.errors["finish"] = [StoreError()]
    rig.deliver()
    assert len(scheduler.schedules) == 1
    rig.deliver_until_empty()
    assert (ran, rig.record("far").status) == (["far"], "SUCCESS")
    rig.now_ms += 21 * DAY_MS
    scheduler.run_due()
    rig.deliver_until_empty()
    assert ran == ["far"]
    assert rig.store.get("far") is None


@pytest.mark.parametrize("waits", [[5 * DAY_MS, HOUR_MS], [HOUR_MS, 5 * DAY_MS]])
def test_a_far_retry_that_is_asked_for_again_comes_at_the_time_of_its_record(
    rig: Rig, waits: list[int]
) -> None:
    """The first attempt's end was not written: both of its retries are out."""
    scheduler = rig.schedule_far()
    asked, ran_at_ms = list(waits), list[int]()

    @rig.app.task(bind=True)
    def moody(run: Context) -> None:
        if asked:
            run.retry(countdown=asked.pop(0) / 1000)
        ran_at_ms.append(rig.now_ms)

    rig.send(Message("moody", "far"))
    rig.fuse.errors["finish"] = [StoreError()]
    rig.deliver_until_empty()
    assert len(scheduler.schedules) == 2
    due_ms = rig.record("far").due_at_ms
    while scheduler.schedules:
        rig.now_ms = min(one.at_ms for one in scheduler.schedules)
        scheduler.run_due()
        rig.deliver_until_empty()
    assert (ran_at_ms, rig.record("far").status) == ([due_ms], "SUCCESS")


def test_of_two_retries_of_a_turn_in_one_batch_the_one_that_is_recorded_runs(
    rig: Rig, ran: list[str]
) -> None:
    waits = [100, 70]

    @rig.app.task(bind=True)
    def moody(run: Context) -> None:
        if waits:
            run.retry(countdown=waits.pop(0))
        ran.append(run.id)

    rig.send(Message("moody", "near"))
    rig.fuse.errors["finish"] = [Died()]  # type: ignore[list-item]
    with pytest.raises(Died):
        rig.deliver()
    for seconds in (35, 200):
        rig.now_ms = NOW_MS + seconds * 1000
        rig.deliver()
    assert (ran, rig.record("near").status) == (["near"], "SUCCESS")
    assert rig.waiting() == []


def test_a_task_that_polls_for_long_is_not_ended_by_the_receive_count(
    rig: Rig, ran: list[str]
) -> None:
    rig.broker.redrive = Redrive(10, rig.dead_letters.url)
    rig.send(Message("poll", "poller", [100, 30]))
    rig.deliver_until_empty()
    assert (len(ran), rig.record("poller").status) == (101, "SUCCESS")
    assert rig.reasons() == []


def test_messages_that_wait_for_their_time_do_not_stop_the_queue(rig: Rig, ran: list[str]) -> None:
    broker: MemoryBroker = rig.broker
    broker.max_in_flight = 20
    rig.send(*[Message("note", f"far-{n}", eta_ms=NOW_MS + DAY_MS) for n in range(50)])
    for _ in range(5):
        rig.deliver()
    rig.send(Message("note", "now"))
    rig.deliver()
    assert ran == ["now"]


def test_what_was_revoked_does_not_run_however_late_its_message_comes(
    rig: Rig, ran: list[str]
) -> None:
    due_ms = NOW_MS + 30 * DAY_MS
    rig.send(Message("note", "far", eta_ms=due_ms))
    rig.deliver()
    rig.store.revoke("far", rig.now_ms)
    rig.deliver_until_empty(at_most_seconds=31 * DAY_MS / 1000)
    assert (ran, rig.record("far").status) == ([], "REVOKED")


def test_a_retry_due_in_five_seconds_starts_at_its_time(rig: Rig) -> None:
    rig.send(Message("poll", "poller", [1, 5]))
    rig.deliver_until_empty()
    assert rig.record("poller").started_at_ms == NOW_MS + 5_000
