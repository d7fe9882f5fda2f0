"""Hands the messages of a real queue to a handler in this process, as Lambda's poller would."""

import json
from collections.abc import Callable
from typing import Any

from tests.benchmarks.lambda_events import LambdaContext, received_event
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.wire import unobserved
from tools.deployed import make_client

type Handler = Callable[[dict[str, Any], Any], Any]

_BATCH = 10


def drain(endpoint_url: str, queue_url: str, queue_arn: str, handler: Handler) -> int:
    """Receive, handle and delete until the queue is empty; return how many messages there were.

    Raises:
        BenchmarkError: the handler gave a message back.
    """
    sqs = make_client("sqs", endpoint_url)
    handled = 0
    while True:
        with unobserved():
            answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=_BATCH)
        messages = answer.get("Messages", [])
        if not messages:
            return handled
        failed = handler(received_event(messages, queue_arn), LambdaContext())
        if failed["batchItemFailures"]:
            raise BenchmarkError(f"The handler gave messages back: {json.dumps(failed)}")
        with unobserved():
            for message in messages:
                sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        handled += len(messages)
