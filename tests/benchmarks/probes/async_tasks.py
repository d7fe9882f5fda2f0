"""One batch of ten `async def` tasks that each await a second. The environment is the consumer's.

The process is new, so that the time holds what a first batch takes: asyncio, the loop, the first
requests.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence

from taskqueue import clock
from taskqueue.app import App
from taskqueue.lambdas.consumer import consumer
from taskqueue.lambdas.wiring import settings, task_store
from taskqueue.message import Message, encode
from tests.benchmarks.lambda_events import LambdaContext, sqs_event
from tests.benchmarks.probe import Result, report

_BATCH = 10

app = App("waiting", queue="notifications")


@app.task
async def wait_a_second(number: int) -> int:
    """Returns what it was given, a second later."""
    await asyncio.sleep(1)
    return number


def main(_arguments: Sequence[str]) -> Result:
    """Run the batch and return the handler's time in seconds, and in which states the tasks end."""
    handler = consumer(app)
    messages = [
        Message("wait_a_second", str(uuid.uuid4()), args=(number,), queue=app.queue)
        for number in range(_BATCH)
    ]
    task_store().enqueue_many(messages, clock.now_ms())
    event = sqs_event(map(encode, messages), settings().queues[app.queue].arn)
    before = time.monotonic()
    handler(event, LambdaContext())
    seconds = time.monotonic() - before
    records = [task_store().get(message.id) for message in messages]
    return {
        "seconds": seconds,
        "statuses": sorted({record.status if record else "none" for record in records}),
    }


if __name__ == "__main__":
    report(main)
