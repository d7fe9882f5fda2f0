"""When a schedule is due: its slots, absolute points in time. Pure: no clock is read.

A slot is what it is whoever computes it and whenever: the slots of an interval are the multiples of
its seconds since the epoch, so nothing drifts and two computations never disagree.

A crontab is read as crontab(5) reads it, daylight saving included: a time that the clocks skip runs
right after the skip, a time that they repeat runs once, and what runs by the minute or hour goes by
real time. (Celery refers to crontab(5) and says no more of daylight saving.) As Celery documents,
and unlike crontab(5), a day must fit all three of day-of-month, month and day-of-week:
https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules.crontab
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

_MINUTE_MS = 60_000
DAY_MS = 24 * 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True)
class Interval:
    """Every multiple of `seconds` since the epoch."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Crontab:
    """The minutes that fit `expression`, five fields of crontab(5), in the time zone `zone`."""

    expression: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class OneOff:
    """A single slot."""

    at_ms: int


Timing = Interval | Crontab | OneOff


def due(timing: Timing, after_ms: int, until_ms: int, limit: int | None = None) -> Sequence[int]:
    """Return the slots later than `after_ms` and not later than `until_ms`, in order.

    `limit`: no more than the first so many. Times are milliseconds since the epoch.
    """
    match timing:
        case Interval(seconds):
            step_ms = seconds * 1000
            slots = range((after_ms // step_ms + 1) * step_ms, until_ms + 1, step_ms)
            return slots[:limit]
        case OneOff(at_ms):
            return (at_ms,)[:limit] if after_ms < at_ms <= until_ms else ()
        case Crontab():
            return tuple(islice(_crontab_slots(timing, after_ms, until_ms), limit))


def next_slot(timing: Timing, after_ms: int) -> int | None:
    """Return the first slot later than `after_ms`, or None when there will be none."""
    match timing:
        case Interval(seconds):
            return (after_ms // (seconds * 1000) + 1) * seconds * 1000
        case OneOff(at_ms):
            return at_ms if at_ms > after_ms else None
        case Crontab():
            return next(_crontab_slots(timing, after_ms, None), None)


def latest_slot(timing: Timing, after_ms: int, until_ms: int) -> int | None:
    """Return the last slot later than `after_ms` and not later than `until_ms`, if there is one."""
    if not isinstance(timing, Crontab):
        slots = due(timing, after_ms, until_ms)
        return slots[-1] if slots else None
    # Looked for backwards, in spans that grow: a long outage need not be walked minute by minute.
    span_ms = 60 * _MINUTE_MS
    while True:
        start_ms = max(after_ms, until_ms - span_ms)
        if slots := due(timing, start_ms, until_ms):
            return slots[-1]
        if start_ms == after_ms:
            return None
        span_ms *= 24


def _crontab_slots(crontab: Crontab, after_ms: int, until_ms: int | None) -> Iterator[int]:
    for at in _moments(crontab, after_ms):
        slot_ms = int(at.timestamp()) * 1000
        if until_ms is not None and slot_ms > until_ms:
            return
        # In an hour that the clocks repeat, the first moments may lie before `after_ms`.
        if slot_ms > after_ms:
            yield slot_ms


def _moments(crontab: Crontab, after_ms: int) -> CronSim:
    after = datetime.fromtimestamp(after_ms // 1000, UTC)
    moments = CronSim(crontab.expression, after.astimezone(_zone(crontab.zone)))
    moments.day_and = True
    return moments


def _zone(name: str) -> tzinfo:
    # CronSim treats datetime.UTC as a zone without daylight saving, which is much faster.
    return UTC if name == "UTC" else ZoneInfo(name)
