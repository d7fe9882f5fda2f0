"""A call of a task that is to be sent: the task, its arguments, and when and where it runs."""

import hashlib
import itertools
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from taskqueue.errors import TooDeep
from taskqueue.message import MAX_ID_LENGTH, Message
from taskqueue.option_rules import FLAG, LIMIT, TEXT, Rule, check_limits, check_options, is_number

if TYPE_CHECKING:
    from taskqueue.task import AnyTask


# A chain of tasks that is longer has most likely no end. Lambda's own guard against such loops, at
# about 16 rounds, is off for the consumers, since a task may be put off more often than that.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
MAX_DEPTH = 100
# An id of a caller's own stands in the API's URLs: the unreserved characters of RFC 3986, and two
# that a path may hold as they are.
TASK_ID_PATTERN = r"^[A-Za-z0-9._~@:-]+$"
_TASK_ID = re.compile(TASK_ID_PATTERN)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_GROUP_ID = re.compile(r"[!-~]{1,128}")


class SendOptions(TypedDict, total=False):
    """How a task is sent: Celery's options of `apply_async`, and SQS's message group.

    `countdown`: seconds from now; `eta`: a time, taken as UTC where it has no zone. `expires`: a
    time, or seconds from now. `headers`: added to the message's own. `group_id`: SQS's
    MessageGroupId, by which a fair queue keeps one sender from delaying the others.
    https://docs.celeryq.dev/en/stable/userguide/calling.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
    """

    countdown: float | None
    eta: datetime | None
    expires: float | datetime | None
    task_id: str | None
    queue: str | None
    headers: Mapping[str, Any]
    group_id: str | None
    time_limit: float | None
    soft_time_limit: float | None
    ignore_result: bool


_RULES = {
    # One that is negative is a time that has passed, as an `eta` may be.
    "countdown": Rule(is_number, "a number of seconds").or_none(),
    "eta": Rule(lambda value: isinstance(value, datetime), "a datetime").or_none(),
    "expires": Rule(
        lambda value: isinstance(value, datetime) or is_number(value),
        "a datetime or a number of seconds",
    ).or_none(),
    "task_id": Rule(
        lambda value: (
            isinstance(value, str)
            and len(value) <= MAX_ID_LENGTH
            and _TASK_ID.fullmatch(value) is not None
        ),
        f"1 to {MAX_ID_LENGTH} of the characters A-Z a-z 0-9 . _ ~ @ : -, "
        "as it stands in the API's URLs",
    ).or_none(),
    "queue": TEXT.or_none(),
    "headers": Rule(
        lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value),
        "a mapping whose keys are texts",
    ),
    "group_id": Rule(
        lambda value: isinstance(value, str) and _GROUP_ID.fullmatch(value) is not None,
        "1 to 128 visible characters of ASCII, without a space",
    ).or_none(),
    "time_limit": LIMIT.or_none(),
    "soft_time_limit": LIMIT.or_none(),
    "ignore_result": FLAG,
}


@dataclass(frozen=True, slots=True)
class Call[R]:
    """A task with its arguments and options, not sent yet; `R` is what it will return."""

    task: "AnyTask"
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    options: SendOptions = field(default_factory=SendOptions)


@dataclass(slots=True)
class Parent:
    """The run of a task that sends other tasks, which are its children.

    A child's id is made of the parent's id and turn, the child's name and arguments, and how
    many of the same it has sent before. So a parent that runs again after its worker died sends the
    same children under the same ids, and each of them runs once.
    """

    message: Message
    _sent: dict[str, Iterator[int]] = field(default_factory=dict)

    def child_id(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Return the id of the next child of this name with these arguments."""
        same = _sorted_json([self.message.id, self.message.turn, name, args, kwargs])
        # Threads of the task may send at once: no two may get the same number.
        ordinal = next(self._sent.setdefault(same, itertools.count()))
        digest = hashlib.sha256(f"{same}#{ordinal}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))


def message_of(
    call: Call[Any], now_ms: int, parent: Parent | None = None, max_depth: int = MAX_DEPTH
) -> Message:
    """Return the message of a call that is sent now.

    Raises:
        TooDeep: more than `max_depth` tasks above it were each sent by the next.
        WrongArguments: the task does not take its arguments.
        TypeError: there is no such option, or both `eta` and `countdown` are given.
        ValueError: an option takes no such value; the text names the option.
    """
    options = call.options
    if options:
        _check(options)
    call.task.check_call(call.args, call.kwargs)
    return Message(
        task=call.task.name,
        id=options.get("task_id") or _new_id(call, parent),
        args=call.args,
        kwargs=call.kwargs,
        queue=options.get("queue") or call.task.queue,
        eta_ms=_eta_ms(options, now_ms),
        expires_at_ms=_time_ms(options.get("expires"), now_ms),
        time_limit_seconds=options.get("time_limit"),
        soft_time_limit_seconds=options.get("soft_time_limit"),
        ignore_result=options.get("ignore_result", False),
        root_id=(parent.message.root_id or parent.message.id) if parent else None,
        parent_id=parent.message.id if parent else None,
        depth=depth_below(parent.message, max_depth) if parent else 0,
        group_id=options.get("group_id"),
        headers=options.get("headers", {}),
    )


def _new_id(call: Call[Any], parent: Parent | None) -> str:
    if parent is None:
        return str(uuid.uuid4())
    return parent.child_id(call.task.name, call.args, call.kwargs)


def _sorted_json(content: Any) -> str:
    try:
        return _json(content, sort_keys=True)
    except TypeError:
        # Numbers and texts are keys of one object: they have an order once they are JSON.
        return _json(json.loads(_json(content)), sort_keys=True)


def _json(content: Any, *, sort_keys: bool = False) -> str:
    # What is no JSON is Celery's matter: it writes more than JSON knows.
    return json.dumps(content, separators=(",", ":"), sort_keys=sort_keys, default=repr)


def _check(options: SendOptions) -> None:
    for name in options.keys() - _RULES.keys():
        raise TypeError(f"{name}: a task is not sent with such an option")
    check_options(options, _RULES)
    check_limits(options.get("soft_time_limit"), options.get("time_limit"))


def depth_below(parent: Message, max_depth: int) -> int:
    """Return the depth of a task that another sends.

    Raises:
        TooDeep: it is more than `max_depth`.
    """
    if parent.depth >= max_depth:
        raise TooDeep
    return parent.depth + 1


def _eta_ms(options: SendOptions, now_ms: int) -> int | None:
    eta, countdown = options.get("eta"), options.get("countdown")
    if eta is not None and countdown is not None:
        raise TypeError("eta cannot be given together with countdown")
    return _time_ms(countdown if eta is None else eta, now_ms)


def _time_ms(time: float | datetime | None, now_ms: int) -> int | None:
    """Return a time, or one that is so many seconds from now, in milliseconds."""
    if time is None:
        return None
    if isinstance(time, datetime):
        at = time if time.tzinfo else time.replace(tzinfo=UTC)
        return round(at.timestamp() * 1000)
    return now_ms + round(time * 1000)
