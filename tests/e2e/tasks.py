"""Tasks as their callers see them."""

from typing import Any

from tests.e2e.waiting import until
from tools.rest import Rest

FINISHED = {"SUCCESS", "FAILURE", "REVOKED"}


def task(rest: Rest, task_id: str) -> dict[str, Any]:
    """Return `GET /tasks/{id}`."""
    body: dict[str, Any] = rest.get(f"/tasks/{task_id}").expect(200)
    return body


def finished(rest: Rest, task_id: str, seconds: float = 30) -> dict[str, Any]:
    """Wait until the task is finished and return it."""
    return until_task(rest, task_id, lambda found: found["status"] in FINISHED, seconds)


def until_task(rest: Rest, task_id: str, is_so: Any, seconds: float = 30) -> dict[str, Any]:
    """Wait until `is_so(task)` and return the task; an id that has no record yet is waited for."""

    def look() -> dict[str, Any] | None:
        answer = rest.get(f"/tasks/{task_id}")
        return answer.body if answer.status == 200 and is_so(answer.body) else None

    return until(look, f"the state of task {task_id}", seconds)
