"""What an app needs of the template and of its senders, ready to be pasted. Pure text."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskqueue.celery.checks.queues import NeededQueue

DEFAULT_TIMEOUT_SECONDS = 60
_MAX_TIMEOUT_SECONDS = 900
# What a batch's time must leave beside the longest task.
_SPARE_SECONDS = 5
_VISIBILITY_TIMEOUTS = 6


def row(queue: "NeededQueue", layer: str) -> str:
    """Return a queue's row in the template's mapping `Queues`."""
    fields: dict[str, Any] = {"Folder": queue.name, "Layer": layer, **_times(queue)}
    return f"{queue.name}: {{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"


def layer_of(module: str) -> str:
    """Return the name of the layer for the package of a module."""
    package = module.partition(".")[0]
    return "".join(part.capitalize() for part in package.split("_")) + "Layer"


def handler(module: str, name: str, queue: str, *, is_default: bool, beat: bool) -> str:
    """Return the file `functions/<queue>/app.py`."""
    arguments = [name, *([] if is_default else [f'queue="{queue}"']), *(["beat=True"] * beat)]
    return (
        f"from {module} import {name}\nfrom taskqueue.celery import worker\n\n"
        f"handler = worker({', '.join(arguments)})\n"
    )


def client_settings(queues: Sequence[str]) -> Mapping[str, Any]:
    """Return the settings of whoever sends to the stack."""
    return {
        "broker_url": "sqs://",
        "broker_transport_options": {
            "region": "REGION",
            "predefined_queues": {
                queue: {"url": f"the stack's output {queue}QueueUrl"} for queue in queues
            },
        },
        "result_backend": "dynamodb://@REGION/the stack's output TasksTable",
    }


def _times(queue: "NeededQueue") -> Mapping[str, int]:
    limit = queue.time_limit_seconds
    if limit is None or limit + _SPARE_SECONDS <= DEFAULT_TIMEOUT_SECONDS:
        return {}
    seconds = min(math.ceil(limit) + _SPARE_SECONDS, _MAX_TIMEOUT_SECONDS)
    return {
        "TimeoutSeconds": seconds,
        "VisibilityTimeoutSeconds": seconds * _VISIBILITY_TIMEOUTS,
    }
