"""Ends a consumer in the middle of its work, as a lost machine would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.faults.local_function import LocalFunction, frozen, kill
from tests.support.raw_queue import RawQueue
from tools.demo.readers import Readers
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.waiting import until

# The time limit of the consumer, and so of its lease, and what SQS waits for it.
REDELIVERY_SECONDS = 10


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


def kill_while_it_delivers(
    function: LocalFunction, readers: Readers, news_id: str, friends: Sequence[str]
) -> int:
    """Kill the processes of the function when the news has reached the first of these friends.

    Returns how many it had reached by then.

    Raises:
        ToolError: it had reached none, or all.
    """
    until(lambda: readers.include(friends[0], news_id), "the first delivery")
    with frozen(function) as pids:
        kill(pids)
    reached = len(readers.of_news(news_id))
    if not 0 < reached < len(friends):
        raise ToolError("the consumer was not killed in the middle of its work")
    return reached
