"""EventBridge Scheduler in memory: the calls of its client that the task queue makes.

Time is the clock that it is given. What is due goes out when a test calls `run_due`.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from taskqueue.testing.broker import MemoryBroker

# A schedule runs within a minute of its time; here always at the minute's end.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
LATE_MS = 60_000
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
MAX_TARGET_BYTES = 262_144
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
MAX_EVENT_AGE_MS = 24 * 60 * 60 * 1000
_AT = "at(%Y-%m-%dT%H:%M:%S)"


@dataclass(frozen=True)
class Scheduled:
    """A one-time schedule: what it puts into a queue, and when it does so at the latest."""

    name: str
    at_ms: int
    target: Mapping[str, Any]


@dataclass
class MemoryScheduler:
    """One-time schedules whose targets are queues of `broker`."""

    broker: MemoryBroker
    _schedules: dict[str, Scheduled] = field(default_factory=dict)

    @property
    def schedules(self) -> tuple[Scheduled, ...]:
        """The schedules that have not run yet, or wait for their next try."""
        return tuple(self._schedules.values())

    def create_schedule(self, **request: Any) -> dict[str, Any]:
        """Make a schedule; a name is used once."""
        name, target = request["Name"], request["Target"]
        if name in self._schedules:
            raise _error("ConflictException")
        if len(target["Input"].encode()) > MAX_TARGET_BYTES:
            raise _error("ValidationException")
        at = datetime.strptime(request["ScheduleExpression"], _AT).replace(tzinfo=UTC)
        at_ms = round(at.timestamp() * 1000) + LATE_MS
        self._schedules[name] = Scheduled(name, at_ms, target)
        return {}

    def delete_schedule(self, **request: Any) -> dict[str, Any]:
        """Delete a schedule."""
        if self._schedules.pop(request["Name"], None) is None:
            raise _error("ResourceNotFoundException")
        return {}

    def run_due(self) -> None:
        """Send what is due; a queue that refuses is tried again for 24 hours.

        After that it goes to the schedule's dead-letter queue, or nowhere.
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
        """
        now_ms = self.broker.now_ms()
        for schedule in self.schedules:
            if schedule.at_ms > now_ms:
                continue
            is_sent = self._is_sent(schedule.target["Arn"], schedule)
            if not is_sent and now_ms < schedule.at_ms + MAX_EVENT_AGE_MS:
                continue
            del self._schedules[schedule.name]
            dead_letters = schedule.target.get("DeadLetterConfig", {}).get("Arn")
            if not is_sent and dead_letters:
                self._is_sent(dead_letters, schedule)

    def _is_sent(self, queue_arn: str, schedule: Scheduled) -> bool:
        url = self.broker.url_of(queue_arn)
        try:
            self.broker.send_message(QueueUrl=url, MessageBody=schedule.target["Input"])
        except ClientError:
            return False
        return True


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "MemoryScheduler")
