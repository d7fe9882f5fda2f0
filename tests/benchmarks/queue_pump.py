"""Hands the messages of a real queue to a handler in this process, as Lambda's poller would."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from taskqueue.queue import Queue
from tests.benchmarks.lambda_events import LambdaContext, received_event
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.wire import unobserved

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

type Handler = Callable[[dict[str, Any], Any], Any]

_BATCH = 10


def drain(sqs: "SQSClient", queue: Queue, handler: Handler) -> int:
    """Receive, handle and delete until the queue is empty; return how many messages there were.

    Raises:
        BenchmarkError: the handler gave a message back.
    """
    handled = 0
    while True:
        with unobserved():
            answer = sqs.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=_BATCH)
        messages = answer.get("Messages", [])
        if not messages:
            return handled
        failed = handler(received_event(messages, queue.arn), LambdaContext())
        if failed["batchItemFailures"]:
            raise BenchmarkError(f"The handler gave messages back: {json.dumps(failed)}")
        with unobserved():
            for message in messages:
                sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])
        handled += len(messages)
