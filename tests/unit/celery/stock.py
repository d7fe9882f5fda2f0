"""Messages of a stock Celery client, as kombu's SQS transport writes them."""

import base64
import json
from typing import Any

from celery import Celery

from taskqueue.testing import InMemory

# By the number of the protocol that they write.
_clients = {
    1: Celery("stock", broker="memory://", changes={"task_protocol": 1}),
    2: Celery("stock", broker="memory://"),
}


def message(
    task: Any, args: Any = (), kwargs: Any = None, *, protocol: int = 2, **options: Any
) -> dict[str, Any]:
    """Return kombu's envelope of one publish of a task of the shop's."""
    client = _clients[protocol]
    options.setdefault("queue", "orders")
    client.send_task(task.name, args, kwargs, **options)
    with client.connection_for_read() as connection:
        channel: Any = connection.default_channel
        envelope: dict[str, Any] = channel._get(options["queue"])
    return envelope


def send(memory: InMemory, envelope: dict[str, Any], queue: str = "orders") -> str:
    """Put a message on its queue, as SQS takes it; return the task's id."""
    body = base64.b64encode(json.dumps(envelope).encode()).decode()
    memory.broker.send_message(QueueUrl=memory.queues[queue].url, MessageBody=body)
    task_id: str = envelope["properties"]["correlation_id"]
    return task_id


def followed(task: Any, args: Any, followers: Any) -> dict[str, Any]:
    """Return a message of a task that is followed by what Celery would not write, perhaps."""
    envelope = message(task, args)
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None, **followers}
    content = json.dumps([args, {}, embed])
    return {**envelope, "body": base64.b64encode(content.encode()).decode()}
