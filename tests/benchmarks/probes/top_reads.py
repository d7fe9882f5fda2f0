"""What `GET /books/top` reads. Arguments: none. The environment is the query function's."""

import importlib
from collections.abc import Sequence

from tests.benchmarks.lambda_events import LambdaContext, api_event
from tests.benchmarks.probe import Result, report
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.read_counter import ReadCounter
from tests.benchmarks.wire import RequestLog, observed


def main(arguments: Sequence[str]) -> Result:
    """Ask for the stored ranking."""
    handler = importlib.import_module("functions.query.app").handler
    log, reads = RequestLog(), ReadCounter()
    with observed(log, reads):
        answer = handler(api_event("GET", "/books/top", {}, {}), LambdaContext())
    if answer["statusCode"] != 200:
        raise BenchmarkError(f"GET /books/top: {answer['statusCode']} {answer['body']}")
    return {"requests": len(log.requests), "bytes": reads.largest_item_bytes}


if __name__ == "__main__":
    report(main)
