"""Tasks that are stopped when they run too long."""

import time

import pytest

from taskqueue import App, SoftTimeLimitExceeded
from taskqueue.testing import InMemory

app = App("reports", queue="reports")


@app.task(soft_time_limit=20, time_limit=25)
def report(pages: int) -> str:
    written = 0
    try:
        for _ in range(pages):
            write_page()
            written += 1
    except SoftTimeLimitExceeded:
        return f"{written} of {pages} pages"
    return "all pages"


def write_page() -> None:
    time.sleep(0.01)


def test_a_soft_limit_leaves_time_to_end_well() -> None:
    with InMemory(app):
        # Of the task's limits and its caller's, the shorter ones count.
        result = report.apply_async([1_000], soft_time_limit=0.05, time_limit=5)
        assert result.get(timeout=1).endswith("of 1000 pages")


def test_a_hard_limit_ends_it() -> None:
    with InMemory(app) as memory:
        result = report.apply_async([1_000], time_limit=0.05)
        with pytest.raises(BaseException, match="ran longer than"):
            result.get(timeout=1)
        assert type(memory.raised(result)).__name__ == "TimeLimitExceeded"
