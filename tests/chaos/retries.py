"""How punctual retries are."""

from __future__ import annotations

from http import HTTPStatus

from tests.benchmarks.report import Check, Section
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.rest import Rest

TASKS = 200
DUE_SECONDS = 5
LIMIT_MS = 1_500


def measure(stack: Stack) -> Section:
    """Let tasks ask to be run again, and compare when they were due with when they began.

    Raises:
        ToolError: one did not end.
    """
    rest = Rest.of(stack)
    task_ids = [
        rest.post("/tasks/come_back", {"args": [DUE_SECONDS]}).expect(HTTPStatus.ACCEPTED)[
            "task_id"
        ]
        for _ in range(TASKS)
    ]
    times = [finished(rest, task_id, 60)["result"] for task_id in task_ids]
    late_ms = sorted(began_ms - due_ms for due_ms, began_ms in times)
    return Section(
        f"Retries that are due in {DUE_SECONDS} s",
        [
            Check("the latest begins after its time", late_ms[-1], LIMIT_MS, "ms"),
            Check(
                "begin before their time", sum(one < 0 for one in late_ms), 0, "retries", "exactly"
            ),
        ],
        {
            "retries": str(len(late_ms)),
            "median": f"{late_ms[len(late_ms) // 2]} ms",
            "p99": f"{late_ms[len(late_ms) * 99 // 100]} ms",
        },
        "Tasks of the deployed stack that each ask to be run again once; the time at which the "
        "second run begins, as the task sees it, after the time for which it asked.",
    )
