"""Waits for what is to become true, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.errors import ToolError


def until[T](
    look: Callable[[], T | None], what: str, seconds: float = 20, poll_seconds: float = 0.05
) -> T:
    """Look again and again until there is something to return.

    Raises:
        ToolError: there is not; it says `what`.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise ToolError(f"not within {seconds:g} seconds: {what}")
        time.sleep(poll_seconds)
