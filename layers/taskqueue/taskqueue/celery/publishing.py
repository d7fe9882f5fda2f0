"""How a Celery app's messages leave: by this project's sender, the record first.

Celery asks a pool for a producer and gives it each message. What one producer was given goes out
together when it is released: a group's tasks in requests of 25 records and 10 messages.
"""

import base64
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from celery.app.amqp import AMQP
from kombu.exceptions import EncodeError, OperationalError
from kombu.serialization import dumps
from kombu.utils import json

from taskqueue.celery.current import CeleryRun, celery_s_turn, current_run
from taskqueue.celery.embed import signatures_in
from taskqueue.errors import GiveBack, MessageTooLarge, PermanentError, SendError, StoreError
from taskqueue.message import (
    AFTER,
    DEPTH,
    ORIGIN,
    TURN,
    TURNS_BEFORE_A_REPLACEMENT,
    Message,
    decode,
    encode,
    next_turn,
    turn_of,
)
from taskqueue.sending.call import depth_below
from taskqueue.sending.client import current
from taskqueue.sending.sender import SendAgain, Sender

JSON = "application/json"
_DRIVER = "sqs"
_PUBLISH = "taskqueue.publish"


class Amqp(AMQP):
    """Celery's `app.amqp`, whose producers send by this project's sender."""

    @property
    def producer_pool(self) -> "Pool":  # type: ignore[override]
        """Where Celery takes its producers from."""
        return Pool()

    publisher_pool = producer_pool  # type: ignore[assignment]

    @property
    def create_task_message(self) -> Any:
        """How messages are made: by protocol 2, whatever `task_protocol` says."""
        return self.as_task_v2

    def _retry_publish(self, publish: Any, *args: Any, **kwargs: Any) -> Any:
        """Send what follows a task that has ended; its failure is not the task's."""
        with celery_s_turn():
            return publish(*args, **kwargs)


class Connection:
    """What Celery asks a producer's connection for: nothing that is of use here."""

    driver_type = _DRIVER

    @property
    def connection(self) -> Self:
        """The connection itself."""
        return self

    @property
    def transport(self) -> Self:
        """The transport, of which Celery asks `driver_type`."""
        return self

    @contextmanager
    def _reraise_as_library_errors(self) -> Iterator[None]:
        """Leave errors as they are."""
        yield


class Pool:
    """Hands out a new producer to each that asks."""

    connections = Connection()

    def acquire(self, block: bool = False, timeout: float | None = None) -> "Publisher":  # noqa: ARG002
        """Return a producer; there is no need to wait for one."""
        return Publisher()


class Publisher:
    """A producer in the form of kombu's: takes messages, and sends them when it is released."""

    connection = Connection()
    serializer = None

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def __enter__(self) -> Self:
        """Begin to take messages."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Send what was taken, unless the body has failed."""
        messages, self._messages = self._messages, []
        if kind is None and messages:
            _send(messages)

    def publish(
        self,
        body: Sequence[Any],
        *,
        exchange: Any,
        routing_key: str,
        serializer: str,
        headers: Mapping[str, Any],
        declare: Sequence[Any] | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        priority: int | None = None,
        **properties: Any,
    ) -> None:
        """Take a task's message, as Celery has made it.

        Raises:
            EncodeError: it is not to be written as JSON, or cannot be.
            OperationalError: it is too large, of a task that sends itself again.
            TooDeep: too many tasks above it were each sent by the next.
        """
        # SQS has no exchanges: a queue that is declared is the one that is meant.
        queue = routing_key if exchange == "" or not declare else declare[0].name
        run = current_run()
        if run and headers.get("replaced_task_nesting"):
            _mark_replacement(body[2], run.message)
        envelope = {
            "body": _content(body, serializer),
            "content-encoding": "utf-8",
            "content-type": JSON,
            "headers": {**headers, **_own_headers(headers, run)},
            "properties": {
                "correlation_id": correlation_id,
                "reply_to": reply_to,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": priority or 0,
                "body_encoding": "base64",
                "delivery_tag": _delivery_tag(headers["id"], run),
                **_group(properties),
            },
        }
        encoded = json.dumps(envelope)
        message = replace(decode(encoded), encoded=encoded)
        if run and message.id == run.message.id:
            run.again = _fitting(message)
        else:
            self._messages.append(message)


def _mark_replacement(embed: Mapping[str, Any], replaced: Message) -> None:
    """Say of what is to end a task, under its id, in which turn it does so.

    Celery says it of what begins; the rest of a chord's body that is a chain has nothing of it
    (`celery.canvas`, celery 5.7.0).
    """
    nesting = replaced.turn // TURNS_BEFORE_A_REPLACEMENT + 1
    for signature in signatures_in(list(embed.values())):
        if signature["options"].get("task_id") == replaced.id:
            signature["options"]["replaced_task_nesting"] = nesting


def _fitting(message: Message) -> Message:
    try:
        encode(message)
    except MessageTooLarge as error:
        raise OperationalError(str(error)) from error
    return message


def _content(body: Sequence[Any], serializer: str) -> str:
    content_type, _, content = dumps(body, serializer=serializer)
    if content_type != JSON:
        raise EncodeError(f"the serializer {serializer!r} is refused: only JSON is sent")
    data = content.encode() if isinstance(content, str) else content
    return base64.b64encode(data).decode()


def _own_headers(headers: Mapping[str, Any], run: CeleryRun | None) -> Mapping[str, Any]:
    """Return this project's headers: of a task that sends itself again, those of its next turn."""
    if run is None:
        return {"origin": ORIGIN}
    if headers["id"] == run.message.id:
        turn = max(next_turn(run.message.turn), turn_of(headers))
        depth = run.message.depth
        return {"origin": ORIGIN, TURN: turn, AFTER: run.attempt.number, DEPTH: depth}
    return {"origin": ORIGIN, DEPTH: depth_below(run.message, run.max_depth)}


def _delivery_tag(task_id: str, run: CeleryRun | None) -> str:
    """Return what tells a publish of a task from others.

    A task that runs again after its worker died publishes what it has published before.
    """
    if run is None:
        return str(uuid.uuid4())
    if task_id == run.message.id:
        return task_id
    return run.parent.child_id(_PUBLISH, (task_id,), {})


def _group(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return SQS's message group, if the message has one."""
    group_id = properties.get("MessageGroupId")
    return {"MessageGroupId": group_id} if group_id else {}


def _send(messages: Sequence[Message]) -> None:
    """Send messages, each with its record.

    Raises:
        OperationalError: they were not sent; some may have been.
        GiveBack: the same, when the task's own code has ended.
    """
    run = current_run()
    source = run or current()
    try:
        _send_by(source.sender, messages, source.now_ms())
    except PermanentError as error:
        raise OperationalError(str(error)) from error
    except (SendError, StoreError) as error:
        if run and run.is_celery_s_turn:
            raise GiveBack(str(error)) from error
        raise OperationalError(str(error)) from error


def _send_by(sender: Sender, messages: Sequence[Message], now_ms: int) -> None:
    # A task that replaces another has a record already, that of the task it replaces.
    replacing = [one for one in messages if one.turn >= TURNS_BEFORE_A_REPLACEMENT]
    new = [one for one in messages if one.turn < TURNS_BEFORE_A_REPLACEMENT]
    if new:
        sender.send_many(new, now_ms)
    again = [SendAgain(one, one.encoded or "") for one in replacing]
    unsent = sender.send_again(again, now_ms) if again else {}
    for error in unsent.values():
        raise error
