"""EventBridge Scheduler's own rules, each with its source, and the far-off task under them."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from taskqueue.app import App
from taskqueue.clock import from_iso, iso
from taskqueue.context import Context
from taskqueue.errors import SendRefused
from taskqueue.message import Message, encode
from taskqueue.records.meta import ErrorInfo
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import MemoryBroker
from taskqueue.testing.scheduler import MemoryScheduler
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import Rig

DAY_MS = 24 * 60 * 60 * 1000
AT_NOW = "at(2026-11-22T18:00:00)"
NO_QUEUE = "arn:aws:sqs:memory:0:gone"


@pytest.fixture
def rig() -> Rig:
    app = App("rules", queue="work")
    app.task(name="note")(lambda: None)
    return Rig(app)


@pytest.fixture
def scheduler(rig: Rig) -> MemoryScheduler:
    return rig.schedule_far()


def bodies(broker: MemoryBroker, url: str) -> list[str]:
    return [message.body for message in broker.messages(url)]


def create(scheduler: MemoryScheduler, arn: str, text: str = "x", **more: Any) -> None:
    scheduler.create_schedule(
        Name="one", ScheduleExpression=AT_NOW, Target={"Arn": arn, "Input": text, **more}
    )


def test_a_schedule_keeps_its_time_to_the_minute(rig: Rig, scheduler: MemoryScheduler) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    create(scheduler, rig.queue.arn)
    rig.now_ms = NOW_MS + 59_000
    scheduler.run_due()
    assert bodies(rig.broker, rig.queue.url) == []
    rig.now_ms = NOW_MS + 60_000
    scheduler.run_due()
    assert bodies(rig.broker, rig.queue.url) == ["x"]


@pytest.mark.parametrize(("length", "is_taken"), [(262_144, True), (262_145, False)])
def test_a_schedule_s_input_has_256_kib(
    rig: Rig, scheduler: MemoryScheduler, length: int, is_taken: bool
) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html"""
    if is_taken:
        create(scheduler, rig.queue.arn, "x" * length)
    else:
        with pytest.raises(ClientError):
            create(scheduler, rig.queue.arn, "x" * length)


@pytest.mark.parametrize("has_dead_letters", [True, False])
def test_what_cannot_be_sent_for_a_day_is_dropped_unless_there_is_a_dead_letter_queue(
    rig: Rig, scheduler: MemoryScheduler, has_dead_letters: bool
) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html"""
    more: dict[str, Any] = {"DeadLetterConfig": {"Arn": rig.dead_letters.arn}}
    create(scheduler, NO_QUEUE, **more if has_dead_letters else {})
    rig.now_ms = NOW_MS + DAY_MS
    scheduler.run_due()
    assert [one.name for one in scheduler.schedules] == ["one"]
    rig.now_ms += 60_000
    scheduler.run_due()
    assert not scheduler.schedules
    assert bodies(rig.broker, rig.dead_letters.url) == (["x"] if has_dead_letters else [])


def send(rig: Rig, message: Message) -> None:
    sqs: Any = rig.broker
    queues = {rig.queue.name: rig.queue}
    Sender(sqs, rig.store, queues, rig.delayed).send(message, rig.now_ms)


def test_a_far_off_task_runs_at_its_time_though_its_schedule_is_late(
    rig: Rig, scheduler: MemoryScheduler
) -> None:
    due_ms = NOW_MS + 30 * DAY_MS
    send(rig, Message("note", "far", queue="work", eta_ms=due_ms))
    (schedule,) = scheduler.schedules
    rig.now_ms = schedule.at_ms
    scheduler.run_due()
    rig.deliver_until_empty()
    assert (rig.record("far").status, rig.record("far").started_at_ms) == ("SUCCESS", due_ms)


def test_a_far_off_task_that_was_revoked_before_it_was_seen_does_not_run(
    rig: Rig, scheduler: MemoryScheduler
) -> None:
    far = Message("note", "far", eta_ms=NOW_MS + 30 * DAY_MS)
    assert rig.store.revoke_unseen("far", NOW_MS)
    rig.send(far)
    rig.deliver()
    (schedule,) = scheduler.schedules
    rig.now_ms = schedule.at_ms
    scheduler.run_due()
    rig.deliver_until_empty()
    assert rig.record("far").status == "REVOKED"


def test_a_far_off_task_that_is_too_large_for_a_schedule_goes_by_its_queue(
    rig: Rig, scheduler: MemoryScheduler
) -> None:
    due_ms = NOW_MS + DAY_MS
    large = Message("note", "far", ["x" * 262_144], queue="work", eta_ms=due_ms)
    send(rig, large)
    assert scheduler.schedules == ()
    assert len(rig.waiting()) == 1


def test_a_far_off_task_that_could_not_be_sent_is_a_dead_letter(
    rig: Rig, scheduler: MemoryScheduler
) -> None:
    send(rig, Message("note", "far", queue="work", eta_ms=NOW_MS + 2 * DAY_MS))
    (schedule,) = scheduler.schedules
    assert schedule.target["DeadLetterConfig"] == {"Arn": rig.dead_letters.arn}


class RefusingScheduler(MemoryScheduler):
    """Takes no schedule, as Scheduler takes none with a time that is not valid to it."""

    def create_schedule(self, **_request: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "")


@pytest.fixture
def refusing(rig: Rig) -> Rig:
    rig.schedule_far(RefusingScheduler(rig.broker))
    return rig


FAR = Message("note", "far", queue="work", eta_ms=NOW_MS + 900 * 365 * DAY_MS)
REFUSAL = "EventBridge Scheduler refused to send at at(2926-04-18T17:59:00): ValidationException"


def test_who_sends_a_task_that_scheduler_refuses_is_told(refusing: Rig) -> None:
    with pytest.raises(SendRefused) as refused:
        send(refusing, FAR)
    assert str(refused.value) == REFUSAL
    assert refusing.store.get("far") is None


def test_a_stock_client_s_task_that_scheduler_refuses_is_a_dead_letter_at_once(
    refusing: Rig,
) -> None:
    refusing.send(FAR)
    assert refusing.deliver() == 0
    assert refusing.reasons() == [f"it cannot be put off: {REFUSAL}"]
    assert refusing.waiting() == []


@pytest.mark.parametrize("eta", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_time_that_is_none_in_utc_is_poison(
    rig: Rig, scheduler: MemoryScheduler, eta: str
) -> None:
    body = encode(FAR).replace(iso(FAR.eta_ms or 0), eta)
    rig.send_bodies(body)
    rig.send(Message("note", "other"))
    assert rig.deliver() == 0
    assert rig.reasons() == ["the header 'eta' is not an ISO 8601 time"]
    assert rig.record("other").status == "SUCCESS"
    assert scheduler.schedules == ()


def test_the_last_time_there_is_goes_to_scheduler(rig: Rig, scheduler: MemoryScheduler) -> None:
    last_ms = from_iso("9999-12-31T23:59:59.999999+00:00")
    send(rig, replace(FAR, eta_ms=last_ms))
    assert len(scheduler.schedules) == 1


def test_a_retry_that_scheduler_refuses_is_a_failure_at_once(refusing: Rig) -> None:
    ran = []

    @refusing.app.task(bind=True)
    def ask(run: Context, secret: str) -> None:
        ran.append(secret)
        run.retry(countdown=900 * 365 * DAY_MS / 1000)

    refusing.send(Message("ask", "far", ["secret"]))
    assert refusing.deliver() == 0
    record = refusing.record("far")
    assert (record.status, record.attempts, ran) == ("FAILURE", 1, ["secret"])
    assert record.error == ErrorInfo("SendRefused", [REFUSAL], "taskqueue.errors")
    assert refusing.reasons() == [f"failed after 0 retries: SendRefused: {REFUSAL}"]
    assert refusing.waiting() == []
