"""Waits for what is to become true, and no longer."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def until[T](look: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """Look again and again until there is something to return; `what` is said when there is not."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} seconds: {what}")
        time.sleep(POLL_SECONDS)
