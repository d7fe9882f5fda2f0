from pathlib import Path

import pytest

from tools.errors import ToolError, run_tool
from tools.shell import last_line, run_logged


@pytest.mark.parametrize(
    ("text", "line"), [("", ""), ("\n \n", ""), ("a\n  b \n\n", "b"), ("only", "only")]
)
def test_the_last_line_is_the_last_that_is_not_blank(text: str, line: str) -> None:
    assert last_line(text) == line


def test_output_goes_to_the_log_and_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "x.log"
    run_logged(["sh", "-c", "echo out; echo err >&2"], log, "x failed")
    assert log.read_text().split() == ["out", "err"]
    assert capfd.readouterr().out == ""


def test_a_failure_is_one_sentence_with_its_own_last_line(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    run_logged(["echo", "an earlier run"], log, "x failed")
    with pytest.raises(ToolError) as caught:
        run_logged(["sh", "-c", "echo the reason; exit 3"], log, "x failed")
    assert str(caught.value) == f"x failed: the reason (all of it: {log})"


def test_a_missing_program_is_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"x failed: .*No such file"):
        run_logged([tmp_path / "absent"], tmp_path / "x.log", "x failed")


def test_a_tool_ends_with_its_sentence_and_no_traceback() -> None:
    def main() -> None:
        raise ToolError("no Docker engine runs here")

    with pytest.raises(SystemExit) as caught:
        run_tool(main)
    assert caught.value.code == "error: no Docker engine runs here"
