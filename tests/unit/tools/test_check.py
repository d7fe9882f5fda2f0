import os

import pytest

from tools.check import TESTS, Step, check
from tools.paths import ROOT


def test_every_folder_of_tests_is_run() -> None:
    folders = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if _has_tests(path.name)}
    assert folders == set(TESTS)


def _has_tests(folder: str) -> bool:
    return any((ROOT / "tests" / folder).rglob("test_*.py"))


def test_a_failed_check_shows_what_it_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(Step("good", ("true",)), os.environ)
    assert not check(Step("bad", ("sh", "-c", "echo line 7 is wrong; exit 1")), os.environ)
    good, bad, reason = capsys.readouterr().out.splitlines()
    assert good.startswith("ok      good (")
    assert bad.startswith("FAILED  bad (")
    assert reason == "line 7 is wrong"
