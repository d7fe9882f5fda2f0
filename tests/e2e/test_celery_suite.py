"""A short form of `make celery-suite`: some of Celery's own tests, on the deployed stack."""

import os
import shutil
from pathlib import Path

import pytest

from tests.celery_suite.exceptions import EXCEPTIONS
from tests.celery_suite.record import read
from tests.celery_suite.results import PASSED
from tests.celery_suite.run import run
from tests.celery_suite.sdist import unpacked
from tests.celery_suite.verdict import judged
from tests.celery_suite.workers import OURS, STOCK, setting
from tools.paths import LOCAL

# One or two of each kind: tasks, remote control, links, chains, groups, chords.
TESTS = (
    "test_inspect.py::test_Inspect::test_ping",
    "test_inspect.py::test_Inspect::test_query_task",
    "test_tasks.py::test_tasks::test_basic_task",
    "test_tasks.py::test_tasks::test_revoked",
    "test_canvas.py::test_link_error::test_link_error",
    "test_canvas.py::test_chain::test_complex_chain",
    "test_canvas.py::test_chain::test_chain_of_nine_chords",
    "test_canvas.py::test_group::test_group_lone",
    "test_canvas.py::test_chord::test_chord_order",
)
SECONDS = 120.0


@pytest.mark.skipif(
    not shutil.which("redis-server") and os.environ.get("REQUIRE_REDIS") != "1",
    reason="the suite's tasks note in a Redis what has run: install redis-server",
)
def test_some_of_celery_s_own_tests_pass(tmp_path: Path) -> None:
    suite = unpacked(LOCAL / "celery-suite", LOCAL / "logs" / "celery-suite.log")
    with setting(OURS, tmp_path / "here", suite) as made:
        found = run(TESTS, made, suite, tmp_path / "results" / "short.xml", SECONDS)
    assert len(found) == len(TESTS)
    results = judged(found, read(STOCK).results, EXCEPTIONS[OURS])
    assert [one for one in results if one.outcome != PASSED] == []
