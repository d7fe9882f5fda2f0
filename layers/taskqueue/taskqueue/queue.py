"""The queues of the stack, by their logical names."""

from collections.abc import Mapping
from typing import NamedTuple


class Queue(NamedTuple):
    """One SQS queue."""

    name: str
    url: str
    arn: str


def queues_of(names: str, url_prefix: str, arn_prefix: str) -> Mapping[str, Queue]:
    """Return the queues of these names, which commas separate.

    A queue's URL is the prefix and its name, and so is its ARN.
    """
    return {
        name: Queue(name, f"{url_prefix}{name}", f"{arn_prefix}{name}")
        for name in filter(None, names.split(","))
    }


def queue_name(arn: str, queues: Mapping[str, Queue]) -> str:
    """Return the logical name of the queue with that ARN, or the last part of the ARN."""
    names = (queue.name for queue in queues.values() if queue.arn == arn)
    return next(names, arn.rpartition(":")[2])
