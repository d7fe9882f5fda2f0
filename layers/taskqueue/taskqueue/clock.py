"""Time as the task queue writes it: milliseconds since the epoch, and ISO 8601 with a zone."""

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_ms() -> int:
    """Return the time now in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Return `at_ms` as ISO 8601 in UTC, the form of Celery's `eta` and `date_done`."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat()


def from_iso(text: str) -> int:
    """Return the milliseconds of an ISO 8601 time; one without a zone is taken as UTC.

    Celery writes `eta` in UTC and leaves the zone out under some settings.

    Raises:
        ValueError: `text` is no ISO 8601 time.
        OverflowError: in UTC it is beyond the years 1 to 9999.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at.astimezone(UTC) - _EPOCH) // _MILLISECOND
