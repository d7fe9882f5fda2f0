"""One plain task, from the request that starts it to its result: what is sent and written.

Arguments: none. The environment is the producer's, with the no-op's module among TASK_MODULES.
"""

import importlib
import uuid
from collections import Counter
from collections.abc import Sequence

from taskqueue.lambdas.clients import client
from taskqueue.lambdas.consumer import consumer
from taskqueue.lambdas.wiring import settings, task_store
from tests.benchmarks.lambda_events import LambdaContext, api_event
from tests.benchmarks.noop_tasks import app
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.queue_pump import drain
from tests.benchmarks.wire import RequestLog, observed
from tests.benchmarks.write_counter import WriteCounter


def main(arguments: Sequence[str]) -> Result:
    """Start and run one task, the only one of its batch."""
    producer = importlib.import_module("functions.producer.app").handler
    worker = consumer(app)
    queue = settings().queues[app.queue]
    log, counter = RequestLog(), WriteCounter(client("dynamodb"))
    task_id = str(uuid.uuid4())
    call = {"args": [1], "task_id": task_id}
    event = api_event("POST", "/tasks/{task}", {"task": "noop"}, call)
    with observed(log, counter):
        answer = producer(event, LambdaContext())
        if answer["statusCode"] != 202:
            raise BenchmarkError(f"POST /tasks/noop: {answer['statusCode']} {answer['body']}")
        drain(client("sqs"), queue, worker)
    record = task_store().get(task_id)
    return {
        "status": record.status if record else None,
        "requests": Counter(f"{r.service} {r.operation}" for r in log.requests),
        "items": counter.items,
        "units": counter.units,
    }


if __name__ == "__main__":
    report(main)
