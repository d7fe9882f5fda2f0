import sys
from pathlib import Path

import pytest

from tools.interpreter import candidates, parse_probe, probe


def test_a_probe_of_the_wanted_interpreter_gives_its_path() -> None:
    assert parse_probe("cpython 3 13\n/opt/python/bin/python3.13\n") == Path(
        "/opt/python/bin/python3.13"
    )


@pytest.mark.parametrize(
    "output",
    ["", "cpython 3 13\n", "cpython 3 12\n/usr/bin/python3", "pypy 3 13\n/usr/bin/pypy3", "3.13"],
)
def test_a_probe_of_anything_else_gives_none(output: str) -> None:
    assert parse_probe(output) is None


def test_what_does_not_run_is_no_interpreter(tmp_path: Path) -> None:
    refusing = tmp_path / "python3.13"
    refusing.write_text("#!/bin/sh\necho 'pyenv: version is not installed' >&2\nexit 127\n")
    refusing.chmod(0o755)
    assert probe(refusing) is None
    assert probe(tmp_path / "absent") is None


def test_pyenvs_newest_release_comes_first(tmp_path: Path) -> None:
    for version in ("3.12.9", "3.13.2", "3.13.10", "3.13.0rc1"):
        (tmp_path / "versions" / version).mkdir(parents=True)
    found = list(candidates({"PATH": "", "PYENV_ROOT": str(tmp_path)}))
    assert found[0] == Path(sys.executable)
    assert [path.parent.parent.name for path in found[1:]] == ["3.13.10", "3.13.2", "3.13.0rc1"]
