"""One-time schedules for what SQS cannot delay."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.errors import SendError
from taskqueue.message import Message
from taskqueue.queue import Queue
from taskqueue.records.publishes import publish_hash
from taskqueue.sending.one_time_schedules import (
    SCHEDULE_EARLY_MS,
    OneTimeSchedules,
    at_expression,
    schedule_name,
)

QUEUE = Queue("work", "url", "arn:work")
DUE_MS = 1_795_370_400_250
MESSAGE = Message("t", "id", turn=3, after=2, eta_ms=DUE_MS)
PUBLISH = publish_hash(MESSAGE)


class Scheduler:
    """Takes schedules, or fails with an AWS error code."""

    def __init__(self, code: str | None = None) -> None:
        self.code = code
        self.schedules: list[dict[str, Any]] = []
        self.deleted: list[dict[str, Any]] = []

    def create_schedule(self, **request: Any) -> None:
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "CreateSchedule")
        self.schedules.append(request)

    def delete_schedule(self, **request: Any) -> None:
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "DeleteSchedule")
        self.deleted.append(request)


def sends(scheduler: Any) -> OneTimeSchedules:
    return OneTimeSchedules(lambda: scheduler, "group", "arn:role", "arn:dead-letters")


def test_a_schedule_fires_a_minute_early_and_deletes_itself() -> None:
    scheduler = Scheduler()
    sends(scheduler).send(QUEUE, MESSAGE, "body")
    assert scheduler.schedules == [
        {
            "Name": schedule_name("id", 3, 2, PUBLISH),
            "GroupName": "group",
            "ScheduleExpression": at_expression(DUE_MS - SCHEDULE_EARLY_MS),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": "arn:work",
                "RoleArn": "arn:role",
                "Input": "body",
                "DeadLetterConfig": {"Arn": "arn:dead-letters"},
            },
            "ActionAfterCompletion": "DELETE",
        }
    ]


def test_the_expression_is_utc_to_the_second_and_not_later() -> None:
    assert at_expression(DUE_MS) == "at(2026-11-22T18:00:00)"
    assert at_expression(999) == "at(1970-01-01T00:00:00)"


def test_sending_twice_is_once() -> None:
    scheduler = Scheduler("ConflictException")
    sends(scheduler).send(QUEUE, MESSAGE, "body")
    assert scheduler.schedules == []


@pytest.mark.parametrize("code", ["ValidationException", "ThrottlingException", "AccessDenied"])
def test_a_refusal_is_a_send_error(code: str) -> None:
    with pytest.raises(SendError, match=code):
        sends(Scheduler(code)).send(QUEUE, MESSAGE, "body")


def test_a_schedule_is_deleted_if_it_is_there() -> None:
    scheduler = Scheduler()
    sends(scheduler).delete("id", 3, 2, PUBLISH)
    assert scheduler.deleted == [{"Name": schedule_name("id", 3, 2, PUBLISH), "GroupName": "group"}]
    sends(Scheduler("ResourceNotFoundException")).delete("id", 3, 2, PUBLISH)
    with pytest.raises(SendError, match="AccessDenied"):
        sends(Scheduler("AccessDenied")).delete("id", 3, 2, PUBLISH)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_task_id_makes_a_valid_name(task_id: str) -> None:
    assert re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", schedule_name(task_id, 0, None, PUBLISH))


@given(
    st.tuples(st.text(max_size=5), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.text(max_size=5), st.integers(0, 3), st.integers(0, 3)),
)
def test_different_ids_turns_or_attempts_make_different_names(
    one: tuple[str, int, int], other: tuple[str, int, int]
) -> None:
    names = [schedule_name(*of, PUBLISH) for of in (one, other)]
    assert (names[0] == names[1]) == (one == other)


def test_of_first_messages_each_publish_has_a_name_of_its_own() -> None:
    assert schedule_name("id", 0, None, PUBLISH) == schedule_name("id", 0, 0, PUBLISH)
    assert schedule_name("id", 0, None, PUBLISH) != schedule_name("id", 0, None, b"other")
