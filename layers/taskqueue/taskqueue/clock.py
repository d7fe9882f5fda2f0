"""Time as the task queue writes it: milliseconds since the epoch, and ISO 8601 with a zone."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the time now in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def iso(at_ms: int) -> str:
    """Return `at_ms` as ISO 8601 in UTC, the form of Celery's `eta` and `date_done`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def from_iso(text: str) -> int:
    """Return the milliseconds of an ISO 8601 time; one without a zone is taken as UTC.

    Celery writes `eta` in UTC and leaves the zone out under some settings.

    Raises:
        ValueError: `text` is no ISO 8601 time.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)
