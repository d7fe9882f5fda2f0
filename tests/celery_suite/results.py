"""What came of the tests, read from JUnit's XML as pytest writes it."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED, XFAILED = "passed", "failed", "skipped", "xfailed"
_FAILURES = ("failure", "error")
_MAX_REASON_LENGTH = 160
# What differs from run to run, or from machine to machine.
_CHANGING = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|gen\d+@[\w.-]+|0x[0-9a-f]+|/[\w./-]*/(?=[\w.-]+)"
)


@dataclass(frozen=True)
class Result:
    """What came of one test. `reason`: why it failed or was skipped, in a line."""

    test: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0


def read(path: Path) -> list[Result]:
    """Return the results of a run of pytest, in the order of its tests."""
    found = [_result(case) for case in ElementTree.parse(path).iter("testcase")]
    # A test whose teardown fails is there twice.
    return list({result.test: result for result in found}.values())


def count_line(results: Sequence[Result]) -> str:
    """Return the count of results in pytest's form: `3 failed, 297 passed, 4 skipped in 9.50s`."""
    counts = Counter(result.outcome for result in results)
    named = (FAILED, PASSED, SKIPPED, XFAILED)
    parts = [f"{counts[name]} {name}" for name in named if counts[name]]
    return f"{', '.join(parts)} in {sum(result.seconds for result in results):.2f}s"


def by_reason(results: Iterable[Result]) -> dict[str, list[str]]:
    """Return the tests by the reason of their outcome, the most frequent first."""
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(result.reason, []).append(result.test)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _result(case: ElementTree.Element) -> Result:
    test = f"{case.get('classname', '').removeprefix('t.integration.')}.{case.get('name')}"
    seconds = float(case.get("time", 0))
    for child in case:
        if child.tag in _FAILURES:
            return Result(test, FAILED, _reason(child), seconds)
        if child.tag == "skipped":
            outcome = XFAILED if child.get("type") == "pytest.xfail" else SKIPPED
            return Result(test, outcome, _reason(child), seconds)
    return Result(test, PASSED, "", seconds)


def _reason(element: ElementTree.Element) -> str:
    lines = (element.get("message") or "").strip().splitlines() or [""]
    return _CHANGING.sub("…", lines[0])[:_MAX_REASON_LENGTH]
