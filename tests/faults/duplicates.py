"""A queue that delivers some messages twice, which a standard queue may do.

On AWS a second delivery is rare and cannot be asked for, so copies are sent instead.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

from tests.faults.sqs_proxy import observed_sends
from tools.local.deployed import Stack

# Some copies come at once, and some when the task has long been finished.
COPY_DELAYS_SECONDS = (0, 1, 3)


class Duplicator:
    """Counts the messages sent, and sends every `every`th of them again."""

    def __init__(self, sqs: Any, every: int) -> None:
        self._sqs = sqs
        self._every = every
        self._delays = cycle(COPY_DELAYS_SECONDS)
        self._lock = threading.Lock()
        self.sent = 0
        self.copied = 0

    def observe(self, action: str, request: dict[str, Any]) -> None:
        """Take note of what a function has sent."""
        for entry in request["Entries"] if action == "SendMessageBatch" else [request]:
            if self._is_chosen():
                self._sqs.send_message(
                    QueueUrl=request["QueueUrl"],
                    MessageBody=entry["MessageBody"],
                    DelaySeconds=next(self._delays),
                )

    def _is_chosen(self) -> bool:
        with self._lock:
            self.sent += 1
            is_chosen = self.sent % self._every == 0
            self.copied += is_chosen
        return is_chosen


@contextmanager
def duplicated(stack: Stack, functions: Sequence[str], every: int = 10) -> Iterator[Duplicator]:
    """While every `every`th message that these functions (logical ids) send is sent twice."""
    duplicator = Duplicator(stack.client("sqs"), every)
    with observed_sends(stack, functions, duplicator.observe):
        yield duplicator
