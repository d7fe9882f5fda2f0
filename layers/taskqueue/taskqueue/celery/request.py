"""A delivery as Celery's tracer takes it: the fields of `self.request`.

What `celery.worker.request.Request` makes of a message (celery 5.7.0).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from celery.app.task import Context
from celery.exceptions import InvalidTaskError
from kombu.utils.json import object_hook

from taskqueue.celery import embed
from taskqueue.message import (
    AFTER,
    DEPTH,
    EMBED,
    REDELIVERED,
    TURN,
    TURNS_BEFORE_A_REPLACEMENT,
    TURNS_OF_A_PUBLISH,
    Message,
    envelope_of,
    properties_of,
)
from taskqueue.worker.delivery import Delivery

# Celery sends a retry with the headers that it does not know; these are made anew.
_OWN = (AFTER, DEPTH, REDELIVERED, TURN)


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of a task, in Python's types, and all that Celery knows of the request.

    `fault`: why they cannot be read, if so; what cannot be is empty.
    """

    id: str
    args: list[Any]
    kwargs: dict[str, Any]
    fields: dict[str, Any]
    fault: InvalidTaskError | None = None

    def context(self) -> Context:
        """Return it as `self.request`, for what is done outside of the tracer."""
        return Context(self.fields, called_directly=False)


def request_of(delivery: Delivery, hostname: str) -> Request:
    """Return the request that a delivery brings to the worker of that name."""
    message = delivery.message
    envelope = envelope_of(delivery.body)
    properties = properties_of(envelope)
    faults: list[InvalidTaskError] = []
    args, kwargs = _arguments(message, faults)
    headers = {name: value for name, value in envelope["headers"].items() if not _is_own(name)}
    if message.turn >= TURNS_OF_A_PUBLISH:
        # A task that replaces one that was published again has its turns in the same publish.
        headers["replaced_task_nesting"] = message.turn // TURNS_BEFORE_A_REPLACEMENT
    fields = {
        **headers,
        **EMBED,
        **_embed(message, faults),
        "args": args,
        "kwargs": kwargs,
        "properties": properties,
        "reply_to": properties.get("reply_to"),
        "correlation_id": properties.get("correlation_id"),
        "hostname": hostname,
        "is_eager": False,
        "delivery_info": {
            # SQS has no exchanges; Celery sends a retry to the queue that the key names.
            "exchange": "",
            "routing_key": message.queue,
            "priority": properties.get("priority"),
            # A message that its task has rejected comes back as a new one.
            "redelivered": delivery.receive_count > 1 or REDELIVERED in envelope["headers"],
        },
    }
    return Request(message.id, args, kwargs, fields, faults[0] if faults else None)


def _is_own(name: str) -> bool:
    """Whether no client sends such a header: it is ours, or a part of Celery's `Context`."""
    return name in _OWN or name.startswith("_")


def _arguments(
    message: Message, faults: list[InvalidTaskError]
) -> tuple[list[Any], dict[str, Any]]:
    try:
        return typed(message.args), typed(message.kwargs)
    except Exception as error:  # noqa: BLE001 - kombu's types raise whatever they like
        faults.append(InvalidTaskError(f"the arguments cannot be read: {error!r}"))
        return [], {}


def _embed(message: Message, faults: list[InvalidTaskError]) -> dict[str, Any]:
    """Return what follows the task, without what cannot be read of it."""
    read = {}
    for name, value in message.embed.items():
        try:
            embed.check(name, value)
            read[name] = typed(value)
        except InvalidTaskError as error:
            faults.append(error)
        except Exception as error:  # noqa: BLE001 - nested too deep, or as above
            faults.append(InvalidTaskError(f"{name} cannot be read: {error!r}"))
    return read


def typed(value: Any) -> Any:
    """Return a JSON value with the Python types that kombu writes into JSON: dates, UUIDs, …."""
    if isinstance(value, Mapping):
        return object_hook({name: typed(one) for name, one in value.items()})
    if isinstance(value, list | tuple):
        return [typed(one) for one in value]
    return value
