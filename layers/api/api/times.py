"""Times as callers write them: ISO 8601, with a time zone."""

from datetime import datetime

MAX_TIME_LENGTH = 64


def milliseconds(text: str) -> int:
    """Return the milliseconds since the epoch of a time.

    Raises:
        ValueError: `text` is no time, or has no time zone; its text is for the caller.
    """
    try:
        at = datetime.fromisoformat(text)
        at_ms = round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ValueError("must be a time in ISO 8601") from None
    if at.tzinfo is None:
        raise ValueError("must have a time zone, such as Z or +01:00")
    return at_ms
