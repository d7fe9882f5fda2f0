"""Ends the consumer of views once, between its write and its acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.aws_proxy import observed_calls
from tests.faults.local_function import LocalFunction, kill
from tests.support.hand_count import views_queue
from tools.local.deployed import Stack

CONSUMER = "viewsFunction"
# What a dead consumer had comes back within seconds, where minutes are usual.
REDELIVERY_SECONDS = 10


@contextmanager
def killed_once_it_has_written(stack: Stack) -> Iterator[list[int]]:
    """While the consumer's processes die as soon as a segment is written and its arrival counted.

    That happens once; the list has the ids of the killed processes then.
    """
    consumer = LocalFunction(stack, CONSUMER)
    killed: list[int] = []

    def kill_once(action: str, _: dict[str, Any]) -> None:
        if action == "UpdateItem" and not killed:
            killed.extend(consumer.pids())
            kill(killed)

    with (
        consumer.configured(timeout_seconds=REDELIVERY_SECONDS),
        views_queue(stack).attributes(VisibilityTimeout=str(REDELIVERY_SECONDS)),
        observed_calls(stack, [CONSUMER], "dynamodb", kill_once),
    ):
        yield killed
