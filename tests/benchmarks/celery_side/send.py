"""`python send.py <count>`: sends that many tasks and returns when each has its result."""

import sys
import time
from typing import Any

from tests.benchmarks.celery_side.noop import app, noop

_POLL_SECONDS = 0.05


def main(count: int) -> None:
    """Counts the results in Redis instead of waiting for each: polling costs the worker nothing."""
    for number in range(count):
        noop.apply_async((number,))
    backend: Any = app.backend
    results = backend.client
    while results.dbsize() < count:
        time.sleep(_POLL_SECONDS)
    results.flushdb()


if __name__ == "__main__":
    main(int(sys.argv[1]))
