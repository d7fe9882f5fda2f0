"""How long a task's record is kept: its item's `ttl`, in seconds since the epoch."""

from dataclasses import dataclass

# A message may wait on its queue for 14 days; its record must outlive it.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_WAIT_SECONDS = 14 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Retention:
    """`result_seconds`: for how long a finished task's record is kept."""

    result_seconds: int

    def of_waiting(self, due_ms: int) -> int:
        """Return the `ttl` of a task that waits and is due at `due_ms`."""
        return due_ms // 1000 + max(self.result_seconds, MAX_WAIT_SECONDS)

    def of_finished(self, at_ms: int) -> int:
        """Return the `ttl` of a task that finished at `at_ms`."""
        return at_ms // 1000 + self.result_seconds
