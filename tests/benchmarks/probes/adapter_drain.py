"""CPU and time of a Celery app's consumer for the tasks that wait in its queue.

Arguments: how many of them are run first and not counted. The environment is the consumer's.
"""

import importlib
import json
import time
from collections.abc import Sequence

from taskqueue.lambdas.clients import client
from taskqueue.lambdas.wiring import settings
from tests.benchmarks.lambda_events import LambdaContext, received_event
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError

_BATCH = 10


def main(arguments: Sequence[str]) -> Result:
    """Drain the queue; return the milliseconds of a task, and how many were counted."""
    warm_up = int(arguments[0])
    consumer = importlib.import_module("celery_consumer")
    queue, sqs = settings().queues["notifications"], client("sqs")
    run, spent, started = 0, 0.0, time.monotonic()
    while messages := sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=_BATCH).get(
        "Messages"
    ):
        event = json.dumps(received_event(messages, queue.arn))
        before = time.process_time()
        answer = json.dumps(consumer.handler(json.loads(event), LambdaContext()))
        spent += time.process_time() - before
        if json.loads(answer)["batchItemFailures"]:
            raise BenchmarkError(f"The handler gave messages back: {answer}")
        sqs.delete_message_batch(
            QueueUrl=queue.url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ],
        )
        run += len(messages)
        if warm_up and run >= warm_up:
            warm_up, run, spent, started = 0, 0, 0.0, time.monotonic()
    seconds = time.monotonic() - started
    return {"tasks": run, "cpu_ms": spent / run * 1000, "wall_ms": seconds / run * 1000}


if __name__ == "__main__":
    report(main)
