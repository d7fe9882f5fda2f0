"""Peak memory of the process that runs a whole fan-out, message after message.

Arguments: the number of friends. The environment is the consumer's.
"""

import importlib
import uuid
from collections.abc import Sequence

from social import stores
from social.news import News
from social.tasks import app, notify_friends
from taskqueue import clock
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.wiring import sender, settings, task_store
from taskqueue.message import Message
from tests.benchmarks.probe import Result, peak_memory_mb, report
from tests.benchmarks.queue_pump import drain

_AUTHOR, _NEWS = "weighed-author", "01JDWEIGHEDNEWS00000000000"


def main(arguments: Sequence[str]) -> Result:
    """Send one `notify_friends` and run it with all its parts."""
    stores.news().put(News(_NEWS, _AUTHOR, "Counted.", (), clock.now_ms()))
    stores.friends().put_many((_AUTHOR, f"weighed-{n:06}") for n in range(int(arguments[0])))
    handler = importlib.import_module("functions.notify_friends.app").handler
    task_id = str(uuid.uuid4())
    message = Message(notify_friends.name, task_id, args=(_AUTHOR, _NEWS), queue=app.queue)
    sender().send(message, clock.now_ms())
    drain(client("sqs"), settings().queues[app.queue], handler)
    record = task_store().get(task_id)
    return {"delivered": record.result if record else None, "peak_mb": peak_memory_mb()}


if __name__ == "__main__":
    report(main)
