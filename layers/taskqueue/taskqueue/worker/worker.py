"""The worker: what lives as long as the process. Each event of its queue is a `Batch`.

A message is acknowledged once its task's end is written, or where there is nothing to do: it is a
duplicate, a dead letter, or put off. Every other is reported in `batchItemFailures` and comes back.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

Powertools' batch utility does less and imports more: its data classes of every event and asyncio,
30 to 40 ms of a consumer's cold start (`make bench`).
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from taskqueue import clock
from taskqueue.message import Message
from taskqueue.sending.call import MAX_DEPTH
from taskqueue.worker.acknowledgement import Soon
from taskqueue.worker.batch import Batch
from taskqueue.worker.execution import Execution
from taskqueue.worker.group_commit import GroupCommit
from taskqueue.worker.metrics import send_counts
from taskqueue.worker.visibility import Visibility

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender
    from taskqueue.worker.delivery import Tasks
    from taskqueue.worker.event_loop import EventLoop


async def _sleep_on_the_loop(seconds: float) -> None:
    # Loaded with the first task that is to wait on a loop, not by every cold start.
    import asyncio

    await asyncio.sleep(seconds)


class Worker:
    """Runs the tasks of `app` that come from one queue; one for the life of the Lambda.

    `soon` calls a function a moment later. `max_depth`: of tasks that send tasks. `raised` is told
    what tasks raise, by their messages. `execution` makes what runs the tasks, of the arguments of
    `Execution`. `sleep` and `sleep_async` wait so many seconds; a test's move its clock.
    """

    def __init__(
        self,
        app: "Tasks",
        store: "TaskStore",
        sender: "Sender",
        visibility: Visibility,
        dead_letters: "DeadLetterQueue",
        logger: "Logger",
        metrics: "Metrics",
        now_ms: Callable[[], int] = clock.now_ms,
        sleep: Callable[[float], None] = time.sleep,
        sleep_async: Callable[[float], Awaitable[None]] = _sleep_on_the_loop,
        soon: Soon | None = None,
        max_depth: int = MAX_DEPTH,
        raised: Callable[[Message, BaseException], None] | None = None,
        execution: Callable[..., Execution] = Execution,
    ) -> None:
        self.app = app
        self.store = store
        self.visibility = visibility
        self.dead_letters = dead_letters
        self.logger = logger
        self.now_ms = now_ms
        self.sleep = sleep
        self.sleep_async = sleep_async
        self.sender = sender
        self.soon = soon or GroupCommit()
        self.execution = execution(store, sender, logger, now_ms, sleep, max_depth, raised)
        self._metrics = metrics

    def handle(
        self, event: Mapping[str, Any], context: "LambdaContext"
    ) -> "PartialItemFailureResponse":
        """Run one event of the queue and report which messages must come back."""
        batch = Batch(self, self.now_ms() + context.get_remaining_time_in_millis())
        kept = batch.run(event["Records"])
        send_counts(self._metrics, batch.statuses)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}

    @cached_property
    def event_loop(self) -> "EventLoop":
        """The loop of `async def` tasks, made for the first of them."""
        from taskqueue.worker.event_loop import EventLoop

        return EventLoop(self.logger)
