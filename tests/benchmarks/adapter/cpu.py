"""CPU of a Celery app's no-op task on our worker, and how fast it drains a queue of them."""

import statistics
from pathlib import Path

from tests.benchmarks.adapter import stock_on_sqs
from tests.benchmarks.adapter.files import build
from tests.benchmarks.adapter.stock_on_sqs import Drained
from tests.benchmarks.celery_worker import celery_worker
from tests.benchmarks.probe import run_probe
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import function_environ
from tools.local.deployed import Stack

TASKS = 2_000
ROUNDS = 3
_WARM_UP_TASKS = 200
_QUEUE = "notifications"


def measure(stack: Stack, folder: Path) -> Section:
    """Let each run its tasks, round after round, and compare the medians.

    Raises:
        BenchmarkError: Celery or Redis is missing, or a task was not run.
    """
    environ = function_environ(stack, f"{_QUEUE}Function")
    client = stock_on_sqs.client_of(
        stack, stack.outputs[f"{_QUEUE}QueueUrl"], stack.outputs["TasksTable"]
    )
    files = build(folder / "consumer")
    ours: list[Drained] = []
    on_redis: list[float] = []
    on_sqs: list[Drained] = []
    with celery_worker(folder, concurrency=1) as redis:
        redis.run(_WARM_UP_TASKS)
        for _ in range(ROUNDS):
            stock_on_sqs.send(client, _WARM_UP_TASKS + TASKS)
            result = run_probe("adapter_drain", environ, files, [str(_WARM_UP_TASKS)])
            if result["tasks"] < TASKS:
                raise BenchmarkError(f"Our worker ran {result['tasks']} of {TASKS} tasks.")
            ours.append(Drained(result["cpu_ms"], result["wall_ms"]))
            on_redis.append(redis.cpu_ms_per_task(TASKS))
            on_sqs.append(stock_on_sqs.drain(stack, folder, _WARM_UP_TASKS, TASKS, concurrency=2))
    return _section(ours, on_redis, on_sqs)


def _section(ours: list[Drained], on_redis: list[float], on_sqs: list[Drained]) -> Section:
    cpu, wall = _medians(ours)
    sqs_cpu, sqs_wall = _medians(on_sqs)
    redis_cpu = statistics.median(on_redis)
    return Section(
        "A Celery app's no-op tasks",
        [
            Check("CPU of a task, of a stock worker's on Redis", cpu / redis_cpu, 0.7, "x"),
            Check("CPU of a task, of one's on SQS and DynamoDB", cpu / sqs_cpu, 0.25, "x"),
            Check("time to drain a queue, of one's on SQS and DynamoDB", wall / sqs_wall, 1.0, "x"),
        ],
        {
            "our worker": f"{cpu:.2f} ms CPU a task; {wall * TASKS / 1000:.1f} s",
            "a stock worker on Redis": f"{redis_cpu:.2f} ms CPU a task",
            "a stock worker on SQS and DynamoDB": f"{sqs_cpu:.2f} ms CPU a task; "
            f"{sqs_wall * TASKS / 1000:.1f} s",
        },
        f"{TASKS:,} tasks with results, sent by a stock client, after {_WARM_UP_TASKS} that are "
        f"not counted, in turn, {ROUNDS} rounds; medians. Ours: the handler's CPU, from event to "
        f"answer, in batches of ten; the time is that of one process that also receives and "
        f"deletes the messages, as Lambda's poller does. Stock: prefork workers, parent and "
        f"children, with concurrency 1 on Redis and 2 on the local AWS, from a full queue that is "
        f"asked every 10 ms; by kombu's setting it would be every second, for eight messages. All "
        f"log at INFO to a file.",
    )


def _medians(drained: list[Drained]) -> tuple[float, float]:
    return (
        statistics.median(one.cpu_ms for one in drained),
        statistics.median(one.wall_ms for one in drained),
    )
