"""One batch of the views' consumer: what is sent and written.

Arguments: the number of views. The environment is that of the views' consumer.
"""

import importlib
from collections import Counter
from collections.abc import Sequence

from books.tasks import count_views
from books.views import pairs
from taskqueue import clock
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.wiring import settings
from taskqueue.message import Message, encode
from tests.benchmarks.lambda_events import LambdaContext, sqs_event
from tests.benchmarks.made_views import MadeViews
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.wire import RequestLog, observed
from tests.benchmarks.write_counter import WriteCounter

_MESSAGES = 10
_BOOKS = 100_000


def main(arguments: Sequence[str]) -> Result:
    """Count the views of ten messages that came in one batch."""
    views = int(arguments[0])
    handler = importlib.import_module("functions.count_views.app").handler
    made = MadeViews(_BOOKS, seed=1)
    bodies = [_body(number, made, views // _MESSAGES) for number in range(_MESSAGES)]
    event = sqs_event(bodies, settings().queues[count_views.queue].arn)
    log, counter = RequestLog(), WriteCounter(client("dynamodb"))
    with observed(log, counter):
        answer = handler(event, LambdaContext())
    if answer["batchItemFailures"]:
        raise BenchmarkError(f"The consumer gave messages back: {answer}")
    return {
        "requests": Counter(f"{r.service} {r.operation}" for r in log.requests),
        "units": counter.units,
    }


def _body(number: int, made: MadeViews, views: int) -> str:
    drawn = made.draw(views, clock.now_ms())
    task = count_views
    return encode(Message(task.name, f"views-{number}", args=(pairs(drawn),), queue=task.queue))


if __name__ == "__main__":
    report(main)
