"""Waits until a stack has come to rest, and lets it do so sooner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.raw_queue import RawQueue
from tools.local.deployed import Stack
from tools.waiting import until

# As the worker sets it for its batch at the default time limit of 60 s.
VISIBILITY_SECONDS = 65


@contextmanager
def quick_redelivery(stack: Stack) -> Iterator[None]:
    """While the queues' own visibility timeout is that which workers set for their batches.

    The queues' own holds where a worker is killed while it starts, and for views and dead letters.
    """
    with ExitStack() as open_things:
        for queue in _queues(stack):
            open_things.enter_context(queue.attributes(VisibilityTimeout=str(VISIBILITY_SECONDS)))
        yield


def wait_until_empty(stack: Stack, seconds: float) -> None:
    """Wait until no message is on any queue, hidden and delayed ones included.

    Raises:
        ToolError: some still are.
    """
    queues = list(_queues(stack))

    def is_empty() -> bool:
        return all(queue.count() == 0 for queue in queues)

    until(is_empty, "all queues are empty", seconds, poll_seconds=0.25)


def _queues(stack: Stack) -> Iterator[RawQueue]:
    for url in stack.resources("AWS::SQS::Queue").values():
        yield RawQueue(stack.client("sqs"), url)
