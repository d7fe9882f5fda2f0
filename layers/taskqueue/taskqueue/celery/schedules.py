"""The schedules of a Celery app in the form of this project's beat. Pure: nothing is stored.

What `celery.beat` makes of the setting `beat_schedule` (celery 5.7.0).
"""

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from celery import Celery
from celery.schedules import crontab, schedule, solar
from kombu.exceptions import EncodeError
from kombu.utils.json import dumps

from taskqueue.beat.schedule import InvalidSchedule, Schedule, parse

_FIELDS = ("task", "schedule", "args", "kwargs", "options", "relative")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "task": (str,),
    "args": (tuple, list),
    "kwargs": (dict, Mapping),
    "options": (dict, Mapping),
}
# Celery keeps these on the way to its broker; SQS has nothing of the kind, or needs none of it.
_WITHOUT_MEANING = ("priority", "retry", "retry_policy", "compression", "delivery_mode")
_KEPT = ("queue", "expires", "countdown")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._~@:-]+")


def schedules(app: Celery, queues: Container[str]) -> Sequence[Schedule]:
    """Return the schedules of an app's `beat_schedule`.

    `queues`: the stack's, by the names that Celery knows them by.

    Raises:
        ValueError: a schedule cannot be kept; the text says which, and why.
    """
    app.finalize()
    return [_Entry(app, name, entry).read(queues) for name, entry in _entries(app).items()]


def refused_schedules(app: Celery, queues: Container[str]) -> Sequence[str]:
    """Return why entries of `beat_schedule` cannot be kept, a text for each that cannot."""
    app.finalize()
    texts = (_Entry(app, name, entry).refusal(queues) for name, entry in _entries(app).items())
    return [text for text in texts if text]


def _entries(app: Celery) -> Mapping[str, Any]:
    # Which an app may set to None.
    return dict(app.conf.beat_schedule or {})


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of `beat_schedule`. Its methods raise `ValueError` for what cannot be kept."""

    app: Celery
    name: str
    fields: Any

    def read(self, queues: Container[str]) -> Schedule:
        if not isinstance(self.fields, Mapping) or "task" not in self.fields:
            raise self._refused("it is no dictionary with a 'task'")
        for unknown in self.fields.keys() - _FIELDS:
            raise self._refused(f"{unknown!r} is no field of an entry")
        self._check_types()
        fields = {
            "task": self.fields["task"],
            **self._timing(),
            "args": self._json("args", list(self.fields.get("args") or ())),
            "kwargs": self._json("kwargs", dict(self.fields.get("kwargs") or {})),
            "sending": self._sending(queues),
        }
        try:
            return parse(_name(self.name), fields)
        except InvalidSchedule as error:
            raise self._refused(str(error)) from None

    def refusal(self, queues: Container[str]) -> str | None:
        try:
            self.read(queues)
        except ValueError as error:
            return str(error)
        return None

    def _refused(self, reason: str) -> ValueError:
        return ValueError(f"beat_schedule[{self.name!r}]: {reason}")

    def _check_types(self) -> None:
        if not isinstance(self.name, str):
            raise self._refused("its name is no text")
        for field, types in _TYPES.items():
            if not isinstance(self.fields.get(field) or types[0](), types):
                raise self._refused(f"its {field} is no {types[0].__name__}")

    def _timing(self) -> Mapping[str, Any]:
        when: Any = self.fields.get("schedule")
        if getattr(when, "nowfun", None):
            raise self._refused("a schedule with a clock of its own (nowfun) is not run here")
        if isinstance(when, solar):
            raise self._refused("a solar schedule is not run here")
        if type(when) is crontab:
            return {"crontab": _expression(when), "time_zone": self._zone()}
        return {"interval_seconds": self._interval_seconds(when)}

    def _interval_seconds(self, when: Any) -> int:
        kind, every, relative = type(when), when, self.fields.get("relative")
        if kind is schedule:
            every, relative = when.run_every, relative or when.relative
        if relative:
            raise self._refused("'relative' is not kept: slots are multiples of the interval")
        seconds = every.total_seconds() if isinstance(every, timedelta) else every
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise self._refused(f"a schedule of the type {kind.__name__} is not run here")
        if isinstance(seconds, float) and not seconds.is_integer():
            raise self._refused("an interval must be whole seconds")
        return int(seconds)

    def _zone(self) -> str:
        zone = self.app.timezone
        if zone is UTC:
            return "UTC"
        if not isinstance(zone, ZoneInfo) or not zone.key:
            raise self._refused("its crontab needs the setting 'timezone', the name of a time zone")
        return zone.key

    def _json(self, field: str, value: Any) -> Any:
        """Return arguments as JSON has them, dates and the like as kombu writes them."""
        try:
            return json.loads(dumps(value, allow_nan=False))
        except (EncodeError, TypeError, ValueError):
            raise self._refused(f"its {field} cannot be written as JSON") from None

    def _sending(self, queues: Container[str]) -> Mapping[str, Any]:
        task = self.app.tasks.get(self.fields["task"])
        options = {**_task_options(task), **(self.fields.get("options") or {})}
        for name in options:
            if name not in (*_KEPT, *_WITHOUT_MEANING):
                raise self._refused(f"the option {name!r} is not kept by a schedule here")
        queue = self._queue(options)
        if queue not in queues:
            raise self._refused(f"this stack has no queue {queue!r}")
        if task is None and queue == self.app.conf.task_default_queue:
            raise self._refused("the app has no task of that name")
        return {
            "queue": queue,
            "expires_seconds": self._seconds(options, "expires"),
            "countdown_seconds": self._seconds(options, "countdown") or 0,
        }

    def _queue(self, options: Mapping[str, Any]) -> str:
        asked = {"queue": options["queue"]} if options.get("queue") else {}
        args, kwargs = self.fields.get("args") or (), self.fields.get("kwargs") or {}
        route = self.app.amqp.router.route(asked, self.fields["task"], args, kwargs)
        queue = route.get("queue") or self.app.conf.task_default_queue
        return str(getattr(queue, "name", queue))

    def _seconds(self, options: Mapping[str, Any], name: str) -> float | None:
        seconds = options.get(name)
        if seconds is None:
            return None
        if not isinstance(seconds, int | float):
            raise self._refused(f"the option {name!r} is no number of seconds")
        return float(seconds)


def _task_options(task: Any) -> Mapping[str, Any]:
    """Return what a task says of how it is sent, where an entry says nothing."""
    said = {name: getattr(task, name, None) for name in ("queue", "expires")}
    return {name: value for name, value in said.items() if value is not None}


def _expression(when: Any) -> str:
    """Return a crontab in the five fields of crontab(5), which has them in another order."""
    minutes, hours = _listed(when.minute, 60), _listed(when.hour, 24)
    if minutes == "*" and hours != "*":
        # A star says that a task goes by real time where the clocks are changed, as hourly ones do.
        minutes = "0-59"
    days, months = _listed(when.day_of_month, 31), _listed(when.month_of_year, 12)
    return f"{minutes} {hours} {days} {months} {_listed(when.day_of_week, 7)}"


def _listed(values: set[int], count: int) -> str:
    return "*" if len(values) == count else ",".join(map(str, sorted(values)))


def _name(name: str) -> str:
    """Return an entry's name in the characters that a schedule's may have."""
    fitting = _NOT_IN_A_NAME.sub("-", name)[:100]
    return fitting if fitting == name else f"{fitting}~{sha256(name.encode()).hexdigest()[:8]}"
