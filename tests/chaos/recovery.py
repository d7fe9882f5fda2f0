"""How soon the tasks of workers that are killed have run again."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from pathlib import Path

from taskqueue.clock import from_iso, now_ms
from tests.benchmarks.report import Check, Section
from tests.chaos.installing import CONSUMER
from tests.faults.local_function import LocalFunction, kill
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.waiting import until

TASKS = 40
TASK_SECONDS = 0.2
# So many after the last task was sent, each worker has said when its messages are to come back.
RUNS_BEFORE_THE_KILL = 10
WAIT_SECONDS = 150
LIMIT_SECONDS = 75.0


def measure(stack: Stack, runs: Path) -> Section:
    """Kill all workers of a queue while they have tasks, and wait until all have ended.

    Raises:
        ToolError: they have not.
    """
    rest, consumer = Rest.of(stack), LocalFunction(stack, CONSUMER)
    for task_id in [_start(rest, 0) for _ in range(TASKS)]:
        finished(rest, task_id)
    task_ids = [_start(rest, TASK_SECONDS) for _ in range(TASKS)]
    before = _count(runs)
    until(lambda: _count(runs) >= before + RUNS_BEFORE_THE_KILL, "tasks run")
    pids, killed_ms = consumer.pids(), now_ms()
    kill(pids)
    ends = [finished(rest, task_id, WAIT_SECONDS) for task_id in task_ids]
    again = sum(end["attempts"] > 1 for end in ends)
    recovered_ms = max(from_iso(end["finished_at"]) for end in ends) - killed_ms
    failed = sum(end["status"] != "SUCCESS" for end in ends)
    return Section(
        "Recovery after a kill",
        [
            Check(
                "from the kill to the end of the last task", recovered_ms / 1000, LIMIT_SECONDS, "s"
            ),
            Check("tasks that did not succeed", failed, 0, "tasks", "exactly"),
        ],
        {
            "processes killed": str(len(pids)),
            "tasks whose attempt the kill ended": f"{again} of {TASKS}",
        },
        "All processes of the notifications queue's consumer are killed by SIGKILL while their "
        "tasks run, with the time limit and the visibility timeout that the template gives them, "
        "60 s and 400 s. Each worker has set its batch to come back after its own time and 5 s. "
        "One that is killed before it could do so, while it starts, leaves its messages to the "
        "queue's own timeout, and so do the consumers of views and of dead letters.",
    )


def _count(runs: Path) -> int:
    return len(runs.read_text().splitlines())


def _start(rest: Rest, seconds: float) -> str:
    task_id = uuid.uuid4().hex
    body = {"args": [seconds], "task_id": task_id}
    rest.post("/tasks/take_time", body).expect(HTTPStatus.ACCEPTED)
    return task_id
