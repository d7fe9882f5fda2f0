"""The guided run's end: beat ranks the books by itself, by its schedule."""

from __future__ import annotations

from datetime import UTC, datetime

from tools.demo.books import ranking_after
from tools.errors import say
from tools.local.deployed import Stack
from tools.local.rest import Rest

# A tick comes each minute and plans ahead; the schedule's period is 100 seconds.
BEAT_SECONDS = 300


def wait_for_beat(stack: Stack) -> None:
    """Wait until beat has had the books ranked, and say so.

    Raises:
        ToolError: it has not.
    """
    say("\nwaiting       for beat, which ranks the books every 100 s; at first within 3 minutes")
    ranking = ranking_after(Rest.of(stack), datetime.now(UTC), BEAT_SECONDS)
    say(f"beat          ranked them at {ranking['computed_at'][11:19]} UTC")
