"""The scoreboard of Celery's suite, from what pytest writes."""

from pathlib import Path

import pytest

from tests.celery_suite import page, results
from tests.celery_suite.results import Result

REPORT = """<testsuites><testsuite>
<testcase classname="t.integration.test_tasks.test_a" name="test_passes" time="1.25"/>
<testcase classname="t.integration.test_tasks.test_a" name="test_fails[a|b]" time="2">
  <failure message="TimeoutError: 01234567-89ab-cdef-0123-456789abcdef&#10;more">at length</failure>
</testcase>
<testcase classname="t.integration.test_tasks.test_a" name="test_skips" time="0">
  <skipped type="pytest.skip" message="Broken test"/>
</testcase>
<testcase classname="t.integration.test_tasks.test_a" name="test_is_known_to_fail" time="0">
  <skipped type="pytest.xfail" message="Issue #6437"/>
</testcase>
<testcase classname="t.integration.test_tasks.test_a" name="test_is_torn_down" time="0"/>
<testcase classname="t.integration.test_tasks.test_a" name="test_is_torn_down" time="0">
  <error message="failed on teardown">at length</error>
</testcase>
</testsuite></testsuites>"""


@pytest.fixture
def read(tmp_path: Path) -> list[Result]:
    (tmp_path / "test_tasks.xml").write_text(REPORT)
    return results.read(tmp_path)


def test_each_test_is_read_once_with_its_outcome_and_reason(read: list[Result]) -> None:
    assert [(result.test.rpartition(".")[2], result.outcome, result.reason) for result in read] == [
        ("test_passes", "passed", ""),
        ("test_fails[a|b]", "failed", "TimeoutError: …"),
        ("test_skips", "skipped", "Broken test"),
        ("test_is_known_to_fail", "xfailed", "Issue #6437"),
        ("test_is_torn_down", "failed", "failed on teardown"),
    ]


def test_the_last_line_counts_as_pytest_does(read: list[Result]) -> None:
    found = {"redis": [], "here": read}
    lines = page.render(found, {"redis": "stock", "here": "ours"}, {"Date": "today"}).splitlines()
    assert lines[-1] == "2 failed, 1 passed, 1 skipped, 1 xfailed in 3.25s"


def test_a_test_is_a_row_with_a_column_for_each_worker(read: list[Result]) -> None:
    found = {"redis": [Result(read[1].test, "passed")], "here": read}
    text = page.render(found, {"redis": "stock", "here": "ours"}, {})
    assert "0 of the 1 tests that pass with stock pass with ours." in text
    assert "| `test_tasks.test_a.test_fails[a\\|b]` | pass | **fail** |" in text
    assert "| `test_tasks.test_a.test_passes` |  | pass |" in text
