"""The guided run's end: beat has the books ranked, by its schedule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from tools.errors import say
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.waiting import until

SCHEDULE = "select_populate_book"
# A tick comes each minute and plans ahead; the schedule's period is 100 seconds.
BEAT_SECONDS = 300


def wait_for_beat(stack: Stack) -> None:
    """Wait until beat's own schedule has had the books ranked, and say so.

    Raises:
        ToolError: it has not.
    """
    say("\nwaiting       for beat, which has the books ranked every 100 s; first within 3 minutes")
    rest, began = Rest.of(stack), datetime.now(UTC)

    def look() -> Mapping[str, Any] | None:
        answer = rest.get(f"/schedules/{SCHEDULE}")
        return answer.body if answer.status == HTTPStatus.OK and has_run(answer.body) else None

    def has_run(schedule: Mapping[str, Any]) -> bool:
        last = schedule["last_run"]
        is_new = last is not None and datetime.fromisoformat(last) > began
        return is_new and schedule["last_status"] == "SUCCESS"

    ran = until(look, f"beat runs {SCHEDULE}", BEAT_SECONDS, poll_seconds=0.5)
    say(f"beat          had them ranked by task {ran['last_task_id']}")
