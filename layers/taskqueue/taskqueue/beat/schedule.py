"""A schedule: which task, when, with which arguments. Pure: read, checked and written here.

The same JSON object is the body of `PUT /schedules/{name}` and the definition in the table:

    {"task": "select_populate_book", "interval_seconds": 100}
    {"task": "report", "crontab": "30 7 * * 1", "time_zone": "Europe/London", "misfire": "skip"}
    {"task": "remind", "at": "2027-01-01T08:00:00+00:00", "args": ["80"], "paused": true}

One of a Celery app, which stands in the table only, says how its task is sent, too:

    {"task": "shop.restock", "interval_seconds": 60, "sending": {"queue": "orders"}}
"""

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSimError

from taskqueue import clock
from taskqueue.beat.timing import Crontab, Interval, OneOff, Timing, next_slot
from taskqueue.errors import TaskQueueError

MAX_INTERVAL_SECONDS = 366 * 24 * 60 * 60
MAX_SCHEDULE_NAME_LENGTH = 128
# A table's item holds 400 KB, and a message must still fit its queue.
MAX_SCHEDULE_ARGUMENTS_LENGTH = 100_000
_NAME = re.compile(r"[A-Za-z0-9._~@:-]+")
_FIELDS = frozenset(
    {"task", "interval_seconds", "crontab", "time_zone", "at", "args", "kwargs", "misfire"}
    | {"paused", "sending"}
)
_SENDING_FIELDS = frozenset({"queue", "expires_seconds", "countdown_seconds"})
_TIMINGS = ("interval_seconds", "crontab", "at")


class InvalidSchedule(TaskQueueError):
    """The schedule is not valid: `field` says where, `reason` why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Misfire(StrEnum):
    """What is done about slots that passed while nothing planned them."""

    LATEST = "latest"
    ALL = "all"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Sending:
    """How a task is sent that beat does not know, since it is a Celery app's.

    `expires_seconds`: it is not run when it has waited longer. `countdown_seconds`: it runs so much
    later than its slot.
    """

    queue: str
    expires_seconds: float | None = None
    countdown_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a task is to run, and with which arguments; `name` is its identity.

    `sending`: of a Celery app's task. Of any other, beat finds the task itself by its name.
    """

    name: str
    task: str
    timing: Timing
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    misfire: Misfire = Misfire.LATEST
    paused: bool = False
    sending: Sending | None = None


def parse(name: str, definition: Mapping[str, Any]) -> Schedule:
    """Read a schedule from its JSON object.

    Raises:
        InvalidSchedule: a field is missing, unknown, or its value makes no sense.
    """
    _check_name(name)
    _check_arguments(definition)
    for unknown in sorted(definition.keys() - _FIELDS):
        raise InvalidSchedule(unknown[:100], "is not a field of a schedule")
    return Schedule(
        name=name,
        task=_text(definition, "task"),
        timing=_timing(definition),
        args=tuple(_typed(definition, "args", list, [])),
        kwargs=_typed(definition, "kwargs", dict, {}),
        misfire=_misfire(definition),
        paused=_typed(definition, "paused", bool, False),
        sending=_sending(definition),
    )


def check(schedule: Schedule, tasks: Container[str], now_ms: int) -> None:
    """Check that the schedule of a task that is known here can do something: it will be due.

    Raises:
        InvalidSchedule: it cannot.
    """
    if schedule.sending:
        raise InvalidSchedule("sending", "is only of schedules that stand in a Celery app")
    if schedule.task not in tasks:
        raise InvalidSchedule("task", "there is no task of that name")
    if next_slot(schedule.timing, now_ms) is None:
        field_name = "at" if isinstance(schedule.timing, OneOff) else "crontab"
        raise InvalidSchedule(field_name, "will never be due")


def definition(schedule: Schedule) -> dict[str, Any]:
    """Return the JSON object that `parse` reads back."""
    return {
        "task": schedule.task,
        **_timing_fields(schedule.timing),
        "args": list(schedule.args),
        "kwargs": dict(schedule.kwargs),
        "misfire": schedule.misfire.value,
        "paused": schedule.paused,
        **({"sending": asdict(schedule.sending)} if schedule.sending else {}),
    }


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_SCHEDULE_NAME_LENGTH:
        raise InvalidSchedule(
            "name",
            f"must be 1 to {MAX_SCHEDULE_NAME_LENGTH} of the characters A-Z a-z 0-9 . _ ~ @ : -",
        )


def _check_arguments(fields: Mapping[str, Any]) -> None:
    for name in ("args", "kwargs"):
        if len(json.dumps(fields.get(name))) > MAX_SCHEDULE_ARGUMENTS_LENGTH:
            raise InvalidSchedule(
                name, f"must have at most {MAX_SCHEDULE_ARGUMENTS_LENGTH} bytes as JSON"
            )


def _timing(fields: Mapping[str, Any]) -> Timing:
    given = [name for name in _TIMINGS if fields.get(name) is not None]
    if len(given) != 1:
        raise InvalidSchedule(
            given[1] if given else "interval_seconds",
            f"exactly one of {', '.join(_TIMINGS)} says when the schedule is due",
        )
    if fields.get("time_zone") is not None and given != ["crontab"]:
        raise InvalidSchedule("time_zone", "belongs to a crontab only")
    readers = {"interval_seconds": _interval, "crontab": _crontab, "at": _one_off}
    return readers[given[0]](fields)


def _interval(fields: Mapping[str, Any]) -> Timing:
    seconds = fields["interval_seconds"]
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise InvalidSchedule("interval_seconds", "must be a whole number")
    if not 1 <= seconds <= MAX_INTERVAL_SECONDS:
        raise InvalidSchedule("interval_seconds", f"must be from 1 to {MAX_INTERVAL_SECONDS}")
    return Interval(seconds)


def _crontab(fields: Mapping[str, Any]) -> Timing:
    expression = " ".join(_text(fields, "crontab").split())
    if expression.count(" ") != 4:
        raise InvalidSchedule(
            "crontab", "must have five fields: minute, hour, day of month, month, day of week"
        )
    crontab = Crontab(expression, _zone(fields))
    try:
        next_slot(crontab, 0)
    except CronSimError as error:
        raise InvalidSchedule("crontab", str(error)[:1].lower() + str(error)[1:]) from None
    return crontab


def _zone(fields: Mapping[str, Any]) -> str:
    name = _text(fields, "time_zone") if fields.get("time_zone") is not None else "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule("time_zone", "is not a time zone of the IANA database") from None
    return name


def _one_off(fields: Mapping[str, Any]) -> Timing:
    text = _text(fields, "at")
    try:
        at_ms = clock.from_iso(text)
    except (ValueError, OverflowError):
        raise InvalidSchedule("at", "must be a time in ISO 8601") from None
    if not re.search(r"([+-]\d\d:?\d\d|[Zz])$", text):
        raise InvalidSchedule("at", "must have a time zone, such as Z or +01:00")
    return OneOff(at_ms)


def _misfire(fields: Mapping[str, Any]) -> Misfire:
    try:
        return Misfire(fields.get("misfire", Misfire.LATEST))
    except ValueError:
        known = ", ".join(policy.value for policy in Misfire)
        raise InvalidSchedule("misfire", f"must be one of {known}") from None


def _sending(fields: Mapping[str, Any]) -> Sending | None:
    given = _typed(fields, "sending", dict, {})
    if not given:
        return None
    if given.keys() - _SENDING_FIELDS:
        raise InvalidSchedule("sending", f"has no other fields than {sorted(_SENDING_FIELDS)}")
    expires_seconds = given.get("expires_seconds")
    return Sending(
        queue=_text(given, "queue"),
        expires_seconds=None if expires_seconds is None else _seconds(given, "expires_seconds"),
        countdown_seconds=_seconds({"countdown_seconds": 0, **given}, "countdown_seconds"),
    )


def _seconds(fields: Mapping[str, Any], name: str) -> float:
    seconds = fields[name]
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise InvalidSchedule(name, "must be a number")
    if not 0 <= seconds <= MAX_INTERVAL_SECONDS:
        raise InvalidSchedule(name, f"must be from 0 to {MAX_INTERVAL_SECONDS}")
    return seconds


def _timing_fields(timing: Timing) -> dict[str, Any]:
    match timing:
        case Interval(seconds):
            return {"interval_seconds": seconds}
        case Crontab(expression, zone):
            return {"crontab": expression, "time_zone": zone}
        case OneOff(at_ms):
            return {"at": clock.iso(at_ms)}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidSchedule(name, "must be a text that is not empty")
    return value


def _typed[T](fields: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    value = fields.get(name)
    if value is None:
        return default
    if not isinstance(value, kind):
        words = {list: "a list", dict: "an object", bool: "true or false"}
        raise InvalidSchedule(name, f"must be {words[kind]}")
    return value
