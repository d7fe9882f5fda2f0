"""How long a record is kept: longer than any message of its task can be out."""

import pytest

from taskqueue.records import states
from taskqueue.records.record import TaskRecord
from taskqueue.records.retention import Retention
from taskqueue.records.store import Finish
from tests.unit.taskqueue.deliveries import NOW_MS

DAY_SECONDS = 24 * 60 * 60
# SQS keeps a message so long at most.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MESSAGE_DAYS = 14


def days_kept(ttl: int, from_ms: int) -> float:
    return (ttl - from_ms // 1000) / DAY_SECONDS


def end(**fields: int | None) -> Finish:
    return Finish(
        "a", 1, turn=0, status=states.SUCCESS, meta=b"", retries=0, at_ms=NOW_MS, **fields
    )


@pytest.mark.parametrize("result_days", [1, 7, 30])
def test_a_record_outlives_its_messages_and_its_result(result_days: int) -> None:
    retention = Retention(result_days * DAY_SECONDS)
    for ttl in (
        retention.of_waiting(NOW_MS),
        retention.of_finished(NOW_MS, None),
        retention.of_end(end()),
    ):
        assert days_kept(ttl, NOW_MS) > MESSAGE_DAYS
        assert days_kept(ttl, NOW_MS) >= result_days


def test_the_message_of_a_task_that_is_due_later_is_outlived_too() -> None:
    retention, due_ms = Retention(DAY_SECONDS), NOW_MS + 40 * DAY_SECONDS * 1000
    for ttl in (
        retention.of_waiting(due_ms),
        retention.of_finished(NOW_MS, due_ms),
        retention.of_end(end(due_ms=due_ms)),
        retention.of_end(end(next_due_ms=due_ms)),
    ):
        assert days_kept(ttl, due_ms) > MESSAGE_DAYS


@pytest.mark.parametrize(
    ("finished_ms_ago", "shown"), [(DAY_SECONDS * 1000, 3), (DAY_SECONDS * 1000 + 1, None)]
)
def test_a_result_is_shown_for_its_time_only(finished_ms_ago: int, shown: int | None) -> None:
    record = TaskRecord(
        id="a",
        task="add",
        queue="work",
        status=states.SUCCESS,
        result=3,
        finished_at_ms=NOW_MS - finished_ms_ago,
    )
    assert Retention(DAY_SECONDS).shown(record, NOW_MS).result == shown
