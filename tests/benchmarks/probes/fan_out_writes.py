"""One fan-out, from the post to the last delivery: what is sent and written.

Arguments: the number of the author's friends. The environment is the producer's.
"""

import importlib
import json
import os
from collections import Counter
from collections.abc import Sequence

from social import stores
from social.tasks import app
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.consumer import consumer
from taskqueue.lambdas.wiring import settings, task_store
from tests.benchmarks.lambda_events import LambdaContext, api_event
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.queue_pump import Handler, drain
from tests.benchmarks.wire import RequestLog, observed
from tests.benchmarks.write_counter import WriteCounter

_AUTHOR = "counted-author"


def main(arguments: Sequence[str]) -> Result:
    """Post as an author with so many friends, and run all that follows."""
    friends = int(arguments[0])
    stores.friends().put_many((_AUTHOR, f"counted-{number:06}") for number in range(friends))
    producer = importlib.import_module("functions.producer.app").handler
    worker = consumer(app)
    queue = settings().queues[app.queue]
    log, counter = RequestLog(), WriteCounter(client("dynamodb"))
    with observed(log, counter):
        task_id = _post(producer)
        messages = drain(client("sqs"), queue, worker)
    record = task_store().get(task_id)
    return {
        "status": record.status if record else None,
        "delivered": record.result if record else None,
        "messages": messages,
        "requests": Counter(f"{r.service} {r.operation}" for r in log.requests),
        "items": counter.items,
        "units": counter.units,
        "feeds_table": os.environ["FEEDS_TABLE"],
    }


def _post(producer: Handler) -> str:
    event = api_event("POST", "/users/{user}/news", {"user": _AUTHOR}, {"text": "Counted."})
    answer = producer(event, LambdaContext())
    if answer["statusCode"] != 202:
        raise BenchmarkError(f"POST news: {answer['statusCode']} {answer['body']}")
    task_id: str = json.loads(answer["body"])["task_id"]
    return task_id


if __name__ == "__main__":
    report(main)
