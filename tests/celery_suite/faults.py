"""What the local AWS may do to this project's worker while the suite runs."""

import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.faults.aws_proxy import observed, proxy
from tests.faults.duplicates import Duplicator
from tests.faults.local_function import LocalFunction, kill
from tests.faults.sqs_proxy import observed_sends, sends_only
from tools.local.deployed import Stack

CONSUMER = "celeryFunction"
# A task whose worker is killed runs again within 15 seconds, where a minute is usual.
FUNCTION_SECONDS = 10
KILL_EVERY_SECONDS = 7


@contextlib.contextmanager
def doubled(stack: Stack) -> Iterator[int]:
    """While every message is sent twice; yield the port at which the client finds SQS."""
    duplicator = Duplicator(stack.client("sqs"), every=1)
    observer = observed(sends_only(duplicator.observe))
    with (
        observed_sends(stack, [CONSUMER], duplicator.observe),
        proxy("client", stack.port, observer) as url,
    ):
        yield urlsplit(url).port or 0


@contextlib.contextmanager
def killed(stack: Stack) -> Iterator[int]:
    """While the consumer's processes are killed every few seconds; yield the port of SQS."""
    function = LocalFunction(stack, CONSUMER)
    stack.client("sqs").set_queue_attributes(
        QueueUrl=stack.outputs["celeryQueueUrl"],
        Attributes={"VisibilityTimeout": str(FUNCTION_SECONDS)},
    )
    is_over = threading.Event()

    def kill_on() -> None:
        while not is_over.wait(KILL_EVERY_SECONDS):
            kill(function.pids())

    thread = threading.Thread(target=kill_on)
    with function.configured(timeout_seconds=FUNCTION_SECONDS):
        thread.start()
        try:
            yield stack.port
        finally:
            is_over.set()
            thread.join()
