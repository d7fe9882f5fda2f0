"""Tells what follows a task to the canvas function, which has Celery. The others need none for it.

The message of a task that has ended goes on to the canvas function's queue, without the arguments,
and with the state in which the task ended. Its result, or its error, is in its record.
"""

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from taskqueue.message import EMBED, Message, envelope_of, properties_of
from taskqueue.records import states
from taskqueue.sending.sender import SendAgain

if TYPE_CHECKING:
    from taskqueue.sending.sender import Sender

CANVAS_QUEUE = "canvas"
# The header with the state in which the task ended.
ENDED = "taskqueue_ended"
# What follows a task, by the state in which it ends, as Celery has it: the rest of a chain fails
# with a task that fails, and a chord waits for each of its parts.
_FOLLOWERS = {
    states.SUCCESS: ("callbacks", "chain", "chord"),
    states.FAILURE: ("errbacks", "chain", "chord"),
    states.REVOKED: ("chord",),
}


def is_followed(message: Message, status: str) -> bool:
    """Whether anything follows a task that has ended in that state."""
    return any(message.embed.get(name) for name in _FOLLOWERS.get(status, ()))


def tell_canvas(sender: "Sender", message: Message, body: str, status: str, now_ms: int) -> None:
    """Send the message of a task that has ended, which came as `body`, to the canvas function.

    Raises:
        SendError: it is not sent; `SendRefused`: there is no such queue.
    """
    to_canvas = replace(message, queue=CANVAS_QUEUE, eta_ms=None)
    again = SendAgain(to_canvas, ended_body(body, message, status))
    for error in sender.send_again([again], now_ms).values():
        raise error


def ended_body(body: str, message: Message, status: str) -> str:
    """Return the body of the message of a task that has ended."""
    envelope = envelope_of(body)
    content = json.dumps([[], {}, {**EMBED, **message.embed}], separators=(",", ":"))
    ended = {
        **envelope,
        "body": base64.b64encode(content.encode()).decode(),
        "headers": {**envelope["headers"], "compression": None, ENDED: status},
        "properties": {**properties_of(envelope), "body_encoding": "base64"},
    }
    return json.dumps(ended, separators=(",", ":"))
