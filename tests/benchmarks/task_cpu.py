"""CPU of the worker for a plain no-op task, beside a Celery worker on Redis."""

import statistics
from pathlib import Path

from tests.benchmarks.celery_worker import celery_worker
from tests.benchmarks.lambda_files import copy_built
from tests.benchmarks.probe import run_probe
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

TASKS = 2_000
ROUNDS = 3
CONCURRENCY = 1
_WARM_UP_TASKS = 500


def measure(stack: Stack, folder: Path) -> Section:
    """Let each run its tasks, round after round, and compare the medians.

    Raises:
        BenchmarkError: Celery or Redis is missing, or a task was not run.
    """
    environ = function_environ(stack, "notificationsFunction")
    files = copy_built(built_folder(stack), "notificationsFunction", folder / "consumer")
    taken: dict[str, list[float]] = {"recorded": [], "stock": [], "celery": []}
    with celery_worker(folder, CONCURRENCY) as celery:
        celery.run(_WARM_UP_TASKS)
        for _ in range(ROUNDS):
            for kind in ("recorded", "stock"):
                result = run_probe("task_cpu", environ, files, [str(TASKS), kind])
                if result["status"] != "SUCCESS":
                    raise BenchmarkError(f"The last no-op is {result['status']}.")
                taken[kind].append(result["ms_per_task"])
            taken["celery"].append(celery.cpu_ms_per_task(TASKS))
    recorded, stock, theirs = (statistics.median(times) for times in taken.values())
    return Section(
        "CPU of a worker for a plain task",
        [Check("a task, of Celery's", recorded / theirs, 1.0, "x")],
        {
            "our worker, a task": f"{recorded:.2f} ms",
            "our worker, a task that a stock Celery client sent": f"{stock:.2f} ms",
            "Celery's worker, a task": f"{theirs:.2f} ms",
        },
        f"Ours: the consumer's handler in batches of 10, from the event's text to the answer's: "
        f"each task claimed, run, its result stored. A task of a stock client has no record "
        f"before its claim, which takes one request more a batch. Celery: a prefork worker with "
        f"concurrency {CONCURRENCY}, Redis as broker and result backend, parent and children. Both "
        f"log at INFO to a file. {TASKS:,} tasks each, warm, in turn, {ROUNDS} rounds; medians. "
        f"What Redis, the broker's AWS counterparts and the senders spend is not counted.",
    )
