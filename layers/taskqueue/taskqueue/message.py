"""A task message: Celery's message protocol 2 in kombu's SQS envelope. Protocol 1 is read, too.

https://docs.celeryq.dev/en/stable/internals/protocol.html#version-2
"""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskqueue import clock, protocol_1
from taskqueue.errors import MessageTooLarge, PoisonMessage, WrongArguments
from taskqueue.groups.part import Part

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_BYTES = 1_048_576
# Arguments that come compressed may have so many bytes when they are not.
MAX_DECOMPRESSED_BYTES = 10 * MAX_BYTES
# What kombu writes for `compression="gzip"` and for `"zlib"`, in zlib's form (kombu.compression).
COMPRESSION = "application/x-gzip"
MAX_ID_LENGTH = 255
MAX_NAME_LENGTH = 255
ORIGIN = "taskqueue"
# This project's own headers, by names that are no caller's.
TURN, AFTER, DEPTH = "taskqueue_turn", "taskqueue_after", "taskqueue_depth"
PART, REDELIVERED, HOP = "taskqueue_part", "taskqueue_redelivered", "taskqueue_hop"
MAX_COUNT = 1_000_000_000
# A task that replaces another has its id; its turns come after all that the other may have had.
TURNS_BEFORE_A_REPLACEMENT = 1_000_000
# A task that is published again has its turns after all those of the publish before.
TURNS_OF_A_PUBLISH = 1_000 * TURNS_BEFORE_A_REPLACEMENT
MAX_TURN = 1_000_000 * TURNS_OF_A_PUBLISH
# The headers that protocol 2 names, and this module reads and writes or leaves to Celery.
_HEADERS = frozenset(
    {"lang", "task", "id", "root_id", "parent_id", "group", "eta", "expires", "retries"}
    | {"timelimit", "ignore_result", "argsrepr", "kwargsrepr", "origin", "shadow", "meth"}
    | {"group_index", "stamped_headers", "stamps", "replaced_task_nesting", "compression"}
    | {TURN, AFTER, DEPTH, PART, REDELIVERED, HOP}
)
EMBED: dict[str, None] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True, slots=True)
class Message:
    """One request to run a task.

    `eta_ms` and `expires_at_ms` are milliseconds since the epoch; `time_limit_seconds` and
    `soft_time_limit_seconds` are the caller's limits; `retries` is what Celery's header says, kept
    for its readers only. `embed`: what is to follow the task, in Celery's form, by the names of
    `EMBED`. `group_id` is SQS's MessageGroupId; `headers` are those that the protocol does not
    name. `publish`: kombu's tag of a message that a client has published, the same in each of its
    copies; None where the message says its turn itself, and where the tag is its id. `is_own`: this
    project sent it, and so made a record where there is to be one. `encoded`: the body of a message
    that is to be sent, where somebody else has written it.

    Five headers are this project's own. `turn`: which sending of the task this is; each retry and
    each redrive begins another. A stock client's message says it by its `retries`, and by how often
    its task has been replaced by another. `after`: the attempt that sent this retry. `depth`: how
    many tasks above it were each sent by the next. `part`: which part of a
    group the task is, if it is one. `hop`: how often the message was sent on before its time, of
    one that goes by hops (`records.hop`).
    """

    task: str
    id: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    embed: Mapping[str, Any] = field(default_factory=dict)
    queue: str = "celery"
    eta_ms: int | None = None
    expires_at_ms: int | None = None
    time_limit_seconds: float | None = None
    soft_time_limit_seconds: float | None = None
    retries: int = 0
    turn: int = 0
    after: int | None = None
    ignore_result: bool = False
    root_id: str | None = None
    parent_id: str | None = None
    depth: int = 0
    part: Part | None = None
    hop: int = 0
    group_id: str | None = None
    publish: str | None = None
    is_own: bool = True
    headers: Mapping[str, Any] = field(default_factory=dict)
    encoded: str | None = None


def encode(message: Message) -> str:
    """Return the SQS message body of `message`: kombu's envelope as plain JSON.

    Raises:
        MessageTooLarge: the body has more than `MAX_BYTES` bytes.
        WrongArguments: an argument cannot be written as JSON; the text names it and the task.
        TypeError, ValueError: a header of the caller's cannot.
    """
    body = message.encoded or _encoded(message)
    if size_bytes(body) > MAX_BYTES:
        raise MessageTooLarge
    return body


def size_bytes(text: str) -> int:
    """Return how many bytes AWS counts of a text."""
    return len(text) if text.isascii() else len(text.encode())


def decode(body: str) -> Message:
    """Read a message in either form that kombu writes: base64 of the envelope, or plain JSON.

    Raises:
        PoisonMessage: the body is not a Celery task in JSON; its `reason` says what is wrong and
            its `task_id` and `task` are set as far as they could be read.
    """
    envelope = envelope_of(body)
    headers = envelope["headers"]
    task, task_id = headers.get("task"), headers.get("id")
    if not isinstance(task, str) or not isinstance(task_id, str) or not task or not task_id:
        raise PoisonMessage("the headers 'task' and 'id' must be non-empty strings")
    _check_text("task id", task_id, MAX_ID_LENGTH)
    _check_text("task name", task, MAX_NAME_LENGTH)
    try:
        return _message(task, task_id, headers, envelope)
    except PoisonMessage as error:
        raise PoisonMessage(error.reason, task_id, task) from None


def envelope_of(body: str) -> dict[str, Any]:
    """Return kombu's envelope, whose headers are Celery's; of protocol 1, as protocol 2 has it.

    Raises:
        PoisonMessage: the body is no Celery task in JSON.
    """
    envelope = _envelope(body)
    if not isinstance(envelope.get("headers"), dict):
        raise PoisonMessage("the message has no Celery headers (protocol 2)")
    return envelope if "task" in envelope["headers"] else _of_protocol_1(envelope)


def _of_protocol_1(envelope: dict[str, Any]) -> dict[str, Any]:
    content = _parsed(envelope)
    if not isinstance(content, dict):
        raise PoisonMessage("neither the headers (protocol 2) nor the body (1) name a task")
    headers = {**envelope["headers"], **protocol_1.headers_of(content)}
    headers.pop("compression", None)
    # What its sender wrote may hold NaN, which Python's JSON reads.
    text = json.dumps(protocol_1.content_of(content), separators=(",", ":"))
    properties = {**properties_of(envelope), "body_encoding": "base64"}
    body = base64.b64encode(text.encode()).decode()
    return {**envelope, "headers": headers, "body": body, "properties": properties}


def sent_again(
    body: str,
    *,
    turn: int,
    after: int | None,
    retries: int,
    eta: str | None,
    **headers: Any,
) -> str:
    """Return the body of a message with some of its headers changed, for another turn of its task.

    All else stays as its sender wrote it.

    Raises:
        PoisonMessage: the body is no Celery task in JSON.
        MessageTooLarge: the new body has more than `MAX_BYTES` bytes.
    """
    changes = {TURN: turn, AFTER: after, "retries": retries, "eta": eta, **headers}
    return _with_headers(body, changes)


def sent_on(body: str, hop: int) -> str:
    """Return the body of a message that is sent on before its time, for the hop of that number.

    Raises:
        PoisonMessage: the body is no Celery task in JSON.
        MessageTooLarge: the new body has more than `MAX_BYTES` bytes.
    """
    return _with_headers(body, {HOP: hop})


def _with_headers(body: str, headers: Mapping[str, Any]) -> str:
    envelope = envelope_of(body)
    # What its sender wrote may hold NaN, which Python's JSON reads.
    changed = json.dumps(
        {**envelope, "headers": {**envelope["headers"], **headers}}, separators=(",", ":")
    )
    if len(changed) > MAX_BYTES:
        raise MessageTooLarge
    return changed


def _encoded(message: Message) -> str:
    try:
        content = _compact([list(message.args), dict(message.kwargs), {**EMBED, **message.embed}])
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"{_not_json(message)} of {message.task} cannot be written as JSON: {error}"
        raise WrongArguments(reason) from None
    return _compact(
        {
            "body": base64.b64encode(content.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": _headers(message),
            "properties": _properties(message),
        }
    )


def _not_json(message: Message) -> str:
    """Return which argument it is that cannot be written as JSON."""
    numbered = ((f"argument {number}", value) for number, value in enumerate(message.args, 1))
    named = ((f"the argument {name!r}", value) for name, value in message.kwargs.items())
    for name, value in (*numbered, *named):
        try:
            _compact(value)
        except (TypeError, ValueError, RecursionError):
            return name
    return "what follows"


def next_turn(turn: int) -> int:
    """Return the turn after this one.

    They end at a number that only a header from elsewhere comes to. There they stay, so that no
    header can make a task that never runs again.
    """
    return min(turn + 1, MAX_TURN)


def _check_text(what: str, text: str, max_length: int) -> None:
    """Refuse what DynamoDB cannot store: half of a surrogate pair is no text, yet JSON has it."""
    if len(text) > max_length:
        raise PoisonMessage(f"the {what} is longer than {max_length} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PoisonMessage(f"the {what} is not Unicode text") from None


def _message(task: str, task_id: str, headers: dict[str, Any], envelope: dict[str, Any]) -> Message:
    args, kwargs, embed = _content(envelope)
    hard, soft = _time_limits(headers)
    return Message(
        task=task,
        id=task_id,
        args=args,
        kwargs=kwargs,
        embed=embed,
        queue=_queue(envelope),
        eta_ms=_time(headers, "eta"),
        expires_at_ms=_time(headers, "expires"),
        time_limit_seconds=hard,
        soft_time_limit_seconds=soft,
        retries=_count(headers.get("retries")) or 0,
        turn=turn_of(headers),
        after=_own_count(headers, AFTER),
        ignore_result=headers.get("ignore_result") is True,
        root_id=_optional_text(headers, "root_id"),
        parent_id=_optional_text(headers, "parent_id"),
        depth=_own_count(headers, DEPTH) or 0,
        part=_part(headers),
        hop=_own_count(headers, HOP) or 0,
        group_id=_group_id(envelope),
        publish=_publish(task_id, headers, envelope),
        is_own=headers.get("origin") == ORIGIN,
        headers={name: value for name, value in headers.items() if name not in _HEADERS},
    )


def _headers(message: Message) -> dict[str, Any]:
    # A message without a `turn` says it by its `retries`.
    turn = None if message.turn == message.retries else message.turn
    own = {
        TURN: turn,
        AFTER: message.after,
        DEPTH: message.depth or None,
        PART: message.part.content if message.part else None,
        HOP: message.hop or None,
    }
    return {
        **message.headers,
        **{name: value for name, value in own.items() if value is not None},
        "lang": "py",
        "task": message.task,
        "id": message.id,
        "root_id": message.root_id or message.id,
        "parent_id": message.parent_id,
        "group": None,
        "eta": None if message.eta_ms is None else clock.iso(message.eta_ms),
        "expires": None if message.expires_at_ms is None else clock.iso(message.expires_at_ms),
        "retries": message.retries,
        "timelimit": [message.time_limit_seconds, message.soft_time_limit_seconds],
        "ignore_result": message.ignore_result,
        "argsrepr": "",
        "kwargsrepr": "",
        "origin": ORIGIN,
    }


def _properties(message: Message) -> dict[str, Any]:
    return {
        "correlation_id": message.id,
        "reply_to": "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": message.queue},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": message.publish or message.id,
        # Where kombu puts it, too: kombu/transport/SQS.py.
        **({"MessageGroupId": message.group_id} if message.group_id else {}),
    }


def _envelope(body: str) -> dict[str, Any]:
    text = body.strip()
    if not text.startswith("{"):
        text = _base64_text(text)
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        raise PoisonMessage("the body is neither JSON nor base64 of JSON") from None
    if not isinstance(envelope, dict):
        raise PoisonMessage("the body is not a JSON object")
    return envelope


def _content(envelope: dict[str, Any]) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return the arguments, and what follows the task."""
    parts = _parsed(envelope)
    if not isinstance(parts, list) or len(parts) < 2:
        raise PoisonMessage("the body must be [args, kwargs, embed]")
    args, kwargs = parts[0], parts[1]
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise PoisonMessage("args must be a list and kwargs an object")
    embed = parts[2] if len(parts) > 2 and parts[2] is not None else {}
    if not isinstance(embed, dict):
        raise PoisonMessage("the embed must be an object")
    return args, kwargs, {name: value for name, value in embed.items() if value}


def _parsed(envelope: dict[str, Any]) -> Any:
    """Return what the body says, be it JSON or read already."""
    content_type = envelope.get("content-type")
    if content_type != "application/json":
        raise PoisonMessage(f"content type {str(content_type)[:60]!r} is refused: only JSON is run")
    content = _content_text(envelope)
    try:
        return json.loads(content) if isinstance(content, str) else content
    except (ValueError, RecursionError):
        raise PoisonMessage("the task's arguments are not JSON") from None


def _content_text(envelope: dict[str, Any]) -> object:
    """Return the body as its sender wrote it: plain, or in base64 and maybe compressed."""
    content = envelope.get("body")
    if properties_of(envelope).get("body_encoding") != "base64":
        return content
    compression = envelope["headers"].get("compression")
    if compression is None:
        return _base64_text(content)
    if compression != COMPRESSION:
        raise PoisonMessage(f"compression {str(compression)[:60]!r} is refused: only gzip is read")
    return _decompressed(content)


def _decompressed(content: object) -> str:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(_base64_bytes(content), MAX_DECOMPRESSED_BYTES)
        text = data.decode()
    except (zlib.error, ValueError):
        raise PoisonMessage("the task's arguments cannot be decompressed") from None
    if inflater.unconsumed_tail or not inflater.eof:
        reason = f"the task's arguments have more than {MAX_DECOMPRESSED_BYTES} bytes, or are cut"
        raise PoisonMessage(reason)
    return text


def _base64_text(content: object) -> str:
    try:
        return _base64_bytes(content).decode()
    except ValueError:
        raise PoisonMessage("the body is neither JSON nor base64 of JSON") from None


def _base64_bytes(content: object) -> bytes:
    if not isinstance(content, str):
        raise PoisonMessage("the body is not text")
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise PoisonMessage("the body is neither JSON nor base64 of JSON") from None


def properties_of(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope's properties; none where they are no object."""
    properties = envelope.get("properties")
    return properties if isinstance(properties, dict) else {}


def _queue(envelope: dict[str, Any]) -> str:
    info = properties_of(envelope).get("delivery_info")
    key = info.get("routing_key") if isinstance(info, dict) else None
    return key if isinstance(key, str) else ""


def _group_id(envelope: dict[str, Any]) -> str | None:
    group_id = properties_of(envelope).get("MessageGroupId")
    return group_id if isinstance(group_id, str) else None


def _time(headers: dict[str, Any], name: str) -> int | None:
    value = headers.get(name)
    if value is None:
        return None
    try:
        return clock.from_iso(value)
    except (TypeError, ValueError, OverflowError):
        raise PoisonMessage(f"the header {name!r} is not an ISO 8601 time") from None


def turn_of(headers: Mapping[str, Any]) -> int:
    """Return the turn that a message's headers name.

    Raises:
        PoisonMessage: what they name is no turn.
    """
    turn = _own_count(headers, TURN, MAX_TURN)
    if turn is not None:
        return turn
    retries = _count(headers.get("retries")) or 0
    return min(_replaced(headers) * TURNS_BEFORE_A_REPLACEMENT + retries, MAX_TURN)


def _replaced(headers: Mapping[str, Any]) -> int:
    """Return how often the task has been replaced by another."""
    return _count(headers.get("replaced_task_nesting")) or 0


def _publish(task_id: str, headers: dict[str, Any], envelope: dict[str, Any]) -> str | None:
    tag = _optional_text(properties_of(envelope), "delivery_tag")
    says_its_turn = headers.get(TURN) is not None or _replaced(headers) > 0
    return None if says_its_turn or not tag or tag == task_id else tag


def _own_count(headers: Mapping[str, Any], name: str, most: int = MAX_COUNT) -> int | None:
    """Return what one of this project's own headers counts, None where it is absent.

    Anything that this project does not write there comes from elsewhere, and is not guessed at.
    """
    value = headers.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= most:
        raise PoisonMessage(f"the header {name!r} is no count from 0 to {most}")
    return value


def _count(value: object) -> int | None:
    """Return a count that a record can hold."""
    number = _number(value)
    return None if number is None or number > MAX_COUNT else int(number)


def _part(headers: dict[str, Any]) -> Part | None:
    """Return which part of a group the task is; None for none."""
    content = headers.get(PART)
    try:
        return None if content is None else Part.read(content)
    except ValueError:
        raise PoisonMessage(f"the header {PART!r} names no part of a group") from None


def _time_limits(headers: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the caller's hard and soft limit, in seconds."""
    limits = headers.get("timelimit")
    if not isinstance(limits, list):
        return None, None
    hard, soft = [*limits, None, None][:2]
    return _number(hard), _number(soft)


def _number(value: object) -> float | None:
    """Return a number that is finite and not negative; Python's JSON reads others, too."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _optional_text(headers: dict[str, Any], name: str) -> str | None:
    """Return a text that a record can hold; None for anything else."""
    value = headers.get(name)
    if not isinstance(value, str) or len(value) > MAX_ID_LENGTH:
        return None
    return value if value.isascii() or _is_unicode(value) else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
