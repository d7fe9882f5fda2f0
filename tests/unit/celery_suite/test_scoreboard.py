"""The scoreboard of Celery's suite, from what pytest writes."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.celery_suite import page, record, results
from tests.celery_suite.exceptions import EXCEPTIONS
from tests.celery_suite.record import NO_TIME, Record
from tests.celery_suite.results import PASSED, Result
from tests.celery_suite.verdict import judged
from tests.celery_suite.workers import TITLES

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
    path = tmp_path / "0.xml"
    path.write_text(REPORT)
    return results.read(path)


def records(**found: list[Result]) -> dict[str, Record]:
    """Return the records of all workers, most of which have not run."""
    about = {"Date": "today"}
    return {worker: Record(about, found.get(worker, [])) for worker in TITLES}


def passing(*found: Result) -> list[Result]:
    return [replace(result, outcome=PASSED, reason="") for result in found]


def test_each_test_is_read_once_with_its_outcome_and_reason(read: list[Result]) -> None:
    assert [(result.test.rpartition(".")[2], result.outcome, result.reason) for result in read] == [
        ("test_passes", "passed", ""),
        ("test_fails[a|b]", "failed", "TimeoutError: …"),
        ("test_skips", "skipped", "Broken test"),
        ("test_is_known_to_fail", "xfailed", "Issue #6437"),
        ("test_is_torn_down", "failed", "failed on teardown"),
    ]


def test_only_what_is_to_pass_can_fail(read: list[Result]) -> None:
    _, fails, *_, torn_down = read
    stock = passing(fails, torn_down)
    outcomes = [one.outcome for one in judged(read, stock, {torn_down.test: "a reason"})]
    assert outcomes == ["passed", "failed", "skipped", "xfailed", "xfailed"]
    assert [one.outcome for one in judged([fails], [], {})] == ["xfailed"]


def test_what_there_was_no_time_for_has_failed() -> None:
    left_out = Result("test_a", "skipped", NO_TIME)
    assert [one.outcome for one in judged([left_out], passing(left_out), {})] == ["failed"]
    assert judged([left_out], [], {}) == [left_out]


def test_a_record_keeps_what_another_run_does_not_try_again(
    read: list[Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_FOLDER", tmp_path)
    assert record.read("here").results == []
    record.write("here", {"Date": "yesterday"}, read)
    passes, fails, *others = read
    left_out = replace(passes, outcome="skipped", reason=NO_TIME)
    record.write("here", {"Date": "today"}, [left_out, *passing(fails)])
    assert record.read("here") == Record({"Date": "today"}, [passes, *passing(fails), *others])


def test_the_last_line_counts_as_pytest_does(read: list[Result]) -> None:
    lines = page.render(records(redis=passing(*read), here=read)).splitlines()
    assert lines[-1] == "2 failed, 1 passed, 1 skipped, 1 xfailed in 3.25s"


def test_a_test_is_a_row_with_a_column_for_each_worker_that_has_run(read: list[Result]) -> None:
    text = page.render(records(redis=passing(read[1]), here=read))
    assert f"0 of the 1 tests that pass with {TITLES['redis']} pass with {TITLES['here']}." in text
    assert "| `test_tasks.test_a.test_fails[a\\|b]` | pass | **fail** |" in text
    assert "| `test_tasks.test_a.test_passes` |  | pass |" in text


def test_exceptions_are_tests_of_the_suite_that_pass_with_the_stock_worker() -> None:
    stock = {one.test for one in record.read("redis").results if one.outcome == PASSED}
    for named in EXCEPTIONS.values():
        assert named.keys() <= stock
