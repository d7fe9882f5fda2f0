"""CPU of the worker for a plain no-op task, in batches of 10.

Arguments: how many tasks; `recorded`, or `stock` for tasks that a stock Celery client sent, which
have no record before their claim. The environment is the consumer's.
"""

import json
import time
import uuid
from collections.abc import Sequence

from taskqueue import clock
from taskqueue.lambdas.consumer import consumer
from taskqueue.lambdas.wiring import settings, task_store
from taskqueue.message import Message, encode
from tests.benchmarks.lambda_events import LambdaContext, sqs_event
from tests.benchmarks.noop_tasks import app
from tests.benchmarks.probe import Result, report

_BATCH = 10
_WARM_UP_BATCHES = 20


def main(arguments: Sequence[str]) -> Result:
    """Run the tasks and return the CPU of the measured ones, in milliseconds for each."""
    tasks, recorded = int(arguments[0]), arguments[1] == "recorded"
    handler = consumer(app)
    spent = 0.0
    for number in range(_WARM_UP_BATCHES + tasks // _BATCH):
        event, last_id = _event(recorded)
        before = time.process_time()
        answer = json.dumps(handler(json.loads(event), LambdaContext()))
        if number >= _WARM_UP_BATCHES:
            spent += time.process_time() - before
    record = task_store().get(last_id)
    return {
        "ms_per_task": spent / tasks * 1000,
        "answer": answer,
        "status": record.status if record else None,
    }


def _event(recorded: bool) -> tuple[str, str]:
    """The text of a batch's event, and the id of its last task."""
    messages = [
        Message("noop", str(uuid.uuid4()), args=(number,), queue=app.queue)
        for number in range(_BATCH)
    ]
    if recorded:
        for message in messages:
            task_store().enqueue(message, clock.now_ms())
    arn = settings().queues[app.queue].arn
    return json.dumps(sqs_event(map(encode, messages), arn)), messages[-1].id


if __name__ == "__main__":
    report(main)
