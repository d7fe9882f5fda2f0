"""One ranking by the task's own consumer, at a time that is given.

Arguments: the time in milliseconds since the epoch; `timed`, or `counted`, which also counts reads
and takes longer for it. The environment is that of the ranking's consumer.
"""

import contextlib
import importlib
import json
import time
import uuid
from collections.abc import Sequence

from books.tasks import app, select_populate_book
from taskqueue import clock
from taskqueue.lambdas.wiring import settings, task_store
from taskqueue.message import Message, encode
from tests.benchmarks.lambda_events import LambdaContext, sqs_event
from tests.benchmarks.probe import Result, peak_memory_mb, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.read_counter import ReadCounter
from tests.benchmarks.wire import observed


def main(arguments: Sequence[str]) -> Result:
    """Rank; the CPU is that of the handler, the memory that of the process."""
    now_ms, counting = int(arguments[0]), arguments[1] == "counted"
    clock.now_ms = lambda: now_ms
    handler = importlib.import_module("functions.select_populate_book.app").handler
    task_id = str(uuid.uuid4())
    message = Message(select_populate_book.name, task_id, queue=app.queue)
    task_store().enqueue(message, now_ms)
    event = json.dumps(sqs_event([encode(message)], settings().queues[app.queue].arn))
    reads = ReadCounter()
    with observed(reads) if counting else contextlib.nullcontext():
        cpu, wall = time.process_time(), time.perf_counter()
        handler(json.loads(event), LambdaContext())
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    record = task_store().get(task_id)
    if record is None or record.status != "SUCCESS":
        raise BenchmarkError(f"The ranking is {record.status if record else 'unknown'}.")
    return {
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "peak_mb": peak_memory_mb(),
        "ranking": record.result,
        "read_requests": reads.requests,
        "read_units": reads.units,
    }


if __name__ == "__main__":
    report(main)
