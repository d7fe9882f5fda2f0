"""Delays that SQS cannot keep: one-time schedules of EventBridge Scheduler.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#one-time
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from taskqueue.aws.errors import error_code, send_errors
from taskqueue.errors import SendRefused
from taskqueue.message import Message
from taskqueue.queue import Queue
from taskqueue.records.publishes import publish_hash, sent_by

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# A schedule fires within 60 seconds of its time; the worker waits out what is left.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
SCHEDULE_EARLY_MS = 60_000
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
MAX_INPUT_BYTES = 262_144


class OneTimeSchedules:
    """Puts messages into queues at a later time, each by a schedule that deletes itself.

    `dead_letter_arn`: the queue that takes what Scheduler could not send for a day.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """

    def __init__(
        self,
        client: Callable[[], "EventBridgeSchedulerClient"],
        group: str,
        role_arn: str,
        dead_letter_arn: str,
    ) -> None:
        self._client = client
        self._group = group
        self._role_arn = role_arn
        self._dead_letter_arn = dead_letter_arn

    def send(self, queue: Queue, message: Message, body: str) -> None:
        """Send `body` about a minute before its message is due; twice by one attempt is once.

        Raises:
            SendRefused: EventBridge Scheduler refuses it for good, a time too far off among others.
            SendError: it did not answer, or is busy.
        """
        at = at_expression((message.eta_ms or 0) - SCHEDULE_EARLY_MS)
        publish = publish_hash(message)
        with send_errors():
            try:
                self._client().create_schedule(
                    Name=schedule_name(message.id, message.turn, message.after, publish),
                    GroupName=self._group,
                    ScheduleExpression=at,
                    FlexibleTimeWindow={"Mode": "OFF"},
                    Target={
                        "Arn": queue.arn,
                        "RoleArn": self._role_arn,
                        "Input": body,
                        "DeadLetterConfig": {"Arn": self._dead_letter_arn},
                    },
                    ActionAfterCompletion="DELETE",
                )
            except ClientError as error:
                if error_code(error) == "ValidationException":
                    reason = f"EventBridge Scheduler refused to send at {at}: ValidationException"
                    raise SendRefused(reason) from error
                if error_code(error) != "ConflictException":
                    raise

    def delete(self, task_id: str, turn: int, after: int, publish: bytes) -> None:
        """Delete a schedule whose message is not to be sent any more, if it is there.

        Raises:
            SendError: EventBridge Scheduler refused or did not answer.
        """
        with send_errors():
            try:
                self._client().delete_schedule(
                    Name=schedule_name(task_id, turn, after, publish), GroupName=self._group
                )
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise


def schedule_name(task_id: str, turn: int, after: int | None, publish: bytes) -> str:
    """Return the name of the schedule of a turn: which attempt or else which publish sent it.

    An attempt that is made again, since its end was not recorded, may ask for another time.
    """
    # A task id may have characters that a name may not.
    digest = hashlib.sha256(f"{task_id}#{turn}#{sent_by(after, publish)}".encode()).hexdigest()
    return f"task-{digest[:48]}"


def at_expression(at_ms: int) -> str:
    """Return the one-time schedule expression of `at_ms`, in UTC to the second."""
    return f"at({datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S})"
