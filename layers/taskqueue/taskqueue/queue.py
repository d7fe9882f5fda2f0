"""The queues of the stack, by their logical names."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """One SQS queue and the dead-letter queue beside it."""

    name: str
    url: str
    arn: str
    dead_letter_url: str


def parse_queues(text: str) -> Mapping[str, Queue]:
    """Read the environment's JSON: `{"<name>": {"url": …, "arn": …, "dead_letter_url": …}}`."""
    return {name: Queue(name=name, **fields) for name, fields in json.loads(text).items()}


def queue_name(arn: str, queues: Mapping[str, Queue]) -> str:
    """Return the logical name of the queue with that ARN, or the last part of the ARN."""
    names = (queue.name for queue in queues.values() if queue.arn == arn)
    return next(names, arn.rpartition(":")[2])
