"""Sees what functions on the local AWS send to its queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.faults.aws_proxy import Observer, observed_calls
from tools.local.deployed import Stack


@contextmanager
def observed_sends(stack: Stack, functions: Sequence[str], observer: Observer) -> Iterator[None]:
    """While the observer is told of what these functions (logical ids) send.

    It is told of each SendMessage and SendMessageBatch when SQS has taken the messages, before the
    function hears of it.
    """
    with observed_calls(stack, functions, "sqs", sends_only(observer)):
        yield


def sends_only(observer: Observer) -> Observer:
    """Return an observer that tells another of SendMessage and SendMessageBatch alone."""

    def observe(action: str, request: dict[str, Any]) -> None:
        if action.startswith("SendMessage"):
            observer(action, request)

    return observe
