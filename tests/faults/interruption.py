"""Ends a consumer in the middle of its work, as a lost machine would."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.aws_proxy import observed_calls
from tests.faults.local_function import LocalFunction, kill
from tests.support.raw_queue import RawQueue
from tools.local.deployed import Stack

# The time limit of the consumer, and so of its lease, and what SQS waits for it.
REDELIVERY_SECONDS = 10
# Each is of 25 deliveries.
WRITES_BEFORE_THE_KILL = 5


@contextmanager
def quick_redelivery(stack: Stack, function: LocalFunction) -> Iterator[None]:
    """While what a dead consumer had comes back within seconds, where minutes are usual.

    Raises:
        ToolError: the queue was not empty in the end.
    """
    queue = RawQueue.of(stack)
    with (
        function.configured(timeout_seconds=REDELIVERY_SECONDS),
        queue.attributes(VisibilityTimeout=str(REDELIVERY_SECONDS)),
    ):
        yield
        # The local AWS ends the function's processes to configure it anew, busy ones too.
        queue.wait_until_empty()


@contextmanager
def killed_while_it_delivers(
    stack: Stack, function: LocalFunction, writes: int = WRITES_BEFORE_THE_KILL
) -> Iterator[list[int]]:
    """While the function's processes are killed, once, when they have made so many writes.

    Yields the ids of those killed, a list that is empty until then.
    """
    number, killed = itertools.count(1), []

    def kill_amid(action: str, _parameters: object) -> None:
        if action == "BatchWriteItem" and next(number) == writes:
            killed.extend(function.pids())
            kill(killed)

    with observed_calls(stack, [function.logical_id], "dynamodb", kill_amid):
        yield killed
