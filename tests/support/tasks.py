"""Tasks as their callers see them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tools.local.rest import Rest
from tools.waiting import until

Task = dict[str, Any]

FINISHED = {"SUCCESS", "FAILURE", "REVOKED"}


def task(rest: Rest, task_id: str) -> Task:
    """Return `GET /tasks/{id}`."""
    body: Task = rest.get(f"/tasks/{task_id}").expect(HTTPStatus.OK)
    return body


def finished(rest: Rest, task_id: str, seconds: float = 30) -> Task:
    """Wait until the task is finished and return it.

    Raises:
        ToolError: it is not.
    """
    return until_task(rest, task_id, lambda found: found["status"] in FINISHED, seconds)


def until_task(
    rest: Rest, task_id: str, is_so: Callable[[Task], bool], seconds: float = 30
) -> Task:
    """Wait until `is_so(task)` and return the task; an id that has no record yet is waited for.

    Raises:
        ToolError: it is not so.
    """

    def look() -> Task | None:
        answer = rest.get(f"/tasks/{task_id}")
        return answer.body if answer.status == HTTPStatus.OK and is_so(answer.body) else None

    return until(look, f"the state of task {task_id}", seconds)
