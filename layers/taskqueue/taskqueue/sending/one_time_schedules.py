"""Delays that SQS cannot keep: one-time schedules of EventBridge Scheduler.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from taskqueue.aws.errors import error_code, send_errors
from taskqueue.errors import MessageTooLarge
from taskqueue.queue import Queue

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# A schedule fires within 60 seconds of its time; the worker waits out what is left.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
SCHEDULE_EARLY_MS = 60_000
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
MAX_INPUT_BYTES = 262_144


class OneTimeSchedules:
    """Puts messages into queues at a later time, each by a schedule that deletes itself."""

    def __init__(
        self, client: Callable[[], "EventBridgeSchedulerClient"], group: str, role_arn: str
    ) -> None:
        self._client = client
        self._group = group
        self._role_arn = role_arn

    def send(self, queue: Queue, task_id: str, body: str, due_at_ms: int) -> None:
        """Send `body` to `queue` about a minute before `due_at_ms`; twice is once.

        Raises:
            MessageTooLarge: the body is larger than a schedule's input may be.
            SendError: EventBridge Scheduler refused or did not answer.
        """
        if len(body) > MAX_INPUT_BYTES:
            raise MessageTooLarge(
                f"a message sent more than 15 minutes ahead takes at most {MAX_INPUT_BYTES} bytes"
            )
        with send_errors():
            try:
                self._client().create_schedule(
                    Name=schedule_name(task_id),
                    GroupName=self._group,
                    ScheduleExpression=at_expression(due_at_ms - SCHEDULE_EARLY_MS),
                    FlexibleTimeWindow={"Mode": "OFF"},
                    Target={"Arn": queue.arn, "RoleArn": self._role_arn, "Input": body},
                    ActionAfterCompletion="DELETE",
                )
            except ClientError as error:
                if error_code(error) != "ConflictException":
                    raise


def schedule_name(task_id: str) -> str:
    """Return the schedule's name for a task id, which may have characters that a name may not."""
    return f"task-{hashlib.sha256(task_id.encode()).hexdigest()[:48]}"


def at_expression(at_ms: int) -> str:
    """Return the one-time schedule expression of `at_ms`, in UTC to the second."""
    return f"at({datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S})"
