"""How long a task's record is kept: its item's `ttl`, in seconds since the epoch."""

from dataclasses import replace
from typing import NamedTuple

from taskqueue.records.record import TaskRecord
from taskqueue.records.store import Finish

# A message may wait on its queue for 14 days from when it is due, and a copy of it as long: the
# record must outlive it, or the copy would run a task that is finished or revoked.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_WAIT_SECONDS = 15 * 24 * 60 * 60


class Retention(NamedTuple):
    """`result_seconds`: for how long the result of a finished task is shown.

    Its record is kept for longer, so that no message of the task finds none.
    """

    result_seconds: int

    def of_waiting(self, due_ms: int) -> int:
        """Return the `ttl` of a task that waits and is due at `due_ms`."""
        return due_ms // 1000 + max(self.result_seconds, MAX_WAIT_SECONDS)

    def of_finished(self, at_ms: int, due_ms: int | None) -> int:
        """Return the `ttl` of a task that finished at `at_ms` and was, or would be, due then."""
        return self.of_waiting(max(at_ms, due_ms or 0))

    def of_end(self, end: Finish) -> int:
        """Return the `ttl` of a task after that end."""
        if end.next_due_ms is not None:
            return self.of_waiting(end.next_due_ms)
        return self.of_finished(end.at_ms, end.due_ms)

    def shown(self, record: TaskRecord, now_ms: int) -> TaskRecord:
        """Return the record as it is shown at that time: without its result, when that is old."""
        finished_ms = record.finished_at_ms
        if finished_ms is None or now_ms <= finished_ms + self.result_seconds * 1000:
            return record
        return replace(record, result=None, error=None, is_result_gone=True)
