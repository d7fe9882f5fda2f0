from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import ENVIRONMENTS, STAMP, Environment, chosen, fingerprint, is_current, make
from tools.errors import ToolError

INTERPRETER = Path("/usr/bin/python3.13")


def test_no_name_means_all_environments() -> None:
    assert chosen([]) == list(ENVIRONMENTS.values())


def test_environments_are_chosen_by_name() -> None:
    assert [environment.name for environment in chosen(["sam", "dev"])] == ["sam", "dev"]


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ToolError, match=r"'docs'; there are dev, sam, ministack, celery"):
        chosen(["dev", "docs"])


def test_requirements_and_interpreter_both_count() -> None:
    prints = {
        fingerprint("boto3==1\n", INTERPRETER),
        fingerprint("boto3==2\n", INTERPRETER),
        fingerprint("boto3==1\n", Path("/opt/python3.13")),
    }
    assert len(prints) == 3
    assert fingerprint("boto3==1\n", INTERPRETER) in prints


def test_every_environment_has_pinned_requirements() -> None:
    for environment in ENVIRONMENTS.values():
        lines = environment.requirements.read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted
        assert all("==" in line for line in wanted)


@dataclass
class Installations:
    """Stands in for pip."""

    fails: bool = False
    made: list[str] = field(default_factory=list)

    def __call__(self, environment: Environment, interpreter: Path) -> None:
        environment.folder.mkdir(exist_ok=True)
        if self.fails:
            raise ToolError("no")
        self.made.append(environment.name)


@pytest.fixture
def installations(monkeypatch: pytest.MonkeyPatch) -> Installations:
    stand_in = Installations()
    monkeypatch.setattr(bootstrap, "_install", stand_in)
    return stand_in


def test_an_environment_is_made_once(tmp_path: Path, installations: Installations) -> None:
    environment = Environment("dev", tmp_path / "venv")
    make(environment, INTERPRETER)
    make(environment, INTERPRETER)
    assert installations.made == ["dev"]


def test_another_interpreter_makes_it_anew(tmp_path: Path, installations: Installations) -> None:
    environment = Environment("dev", tmp_path / "venv")
    make(environment, INTERPRETER)
    make(environment, Path("/opt/python3.13"))
    assert installations.made == ["dev", "dev"]


def test_an_unfinished_environment_is_not_current(
    tmp_path: Path, installations: Installations
) -> None:
    environment = Environment("dev", tmp_path / "venv")
    installations.fails = True
    with pytest.raises(ToolError):
        make(environment, INTERPRETER)
    assert not (environment.folder / STAMP).exists()
    assert not is_current(
        environment, fingerprint(environment.requirements.read_text(), INTERPRETER)
    )
