"""EventBridge Scheduler's own rules, each with its source, and the far-off task under them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from taskqueue.app import App
from taskqueue.message import Message
from taskqueue.sending.one_time_schedules import OneTimeSchedules
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
    scheduler = MemoryScheduler(rig.broker)
    client: Any = scheduler
    rig.delayed = OneTimeSchedules(lambda: client, "group", "role", rig.dead_letters.arn)
    return scheduler


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
