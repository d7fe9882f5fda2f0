import tomllib
from pathlib import Path

import pytest

from tests.support.sam_local import with_variable
from tools.errors import ToolError
from tools.local.sam import deploy_command, sam_environ, stack_name_of
from tools.paths import ROOT


def test_the_stacks_name_is_that_of_the_local_environment() -> None:
    config = tomllib.loads(
        """
        [local.global.parameters]
        stack_name = "fallback"
        [local.deploy.parameters]
        stack_name = "here"
        [prod.deploy.parameters]
        stack_name = "there"
        """
    )
    assert stack_name_of(config) == "here"
    del config["local"]["deploy"]
    assert stack_name_of(config) == "fallback"


def test_a_configuration_without_a_name_is_refused() -> None:
    with pytest.raises(ToolError, match="names no stack"):
        stack_name_of({"local": {"deploy": {"parameters": {}}}})


def test_a_deployment_asks_nobody() -> None:
    command = deploy_command(Path("built.yaml"))
    assert "--no-confirm-changeset" in command
    assert command[command.index("--template-file") + 1] == Path("built.yaml")
    assert command[command.index("--config-env") + 1] == "local"


def test_the_makefiles_find_our_own_uv_and_python_first() -> None:
    environ = sam_environ({"PATH": "/bin", "X": "y"})
    folders = environ["PATH"].split(":")
    assert folders[:2] == [str(ROOT / ".local" / "bin"), str(ROOT / ".venv" / "bin")]
    assert environ["PATH"].endswith(":/bin")
    assert environ["X"] == "y"


def test_a_variable_is_added_to_every_function_and_the_template_kept() -> None:
    template = {
        "Globals": {"Function": {"Environment": {"Variables": {"A": "1"}}}},
        "Resources": {},
    }
    changed = with_variable(template, "B", "2")
    assert changed["Globals"]["Function"]["Environment"]["Variables"] == {"A": "1", "B": "2"}
    assert changed["Resources"] == {}
    assert template["Globals"]["Function"]["Environment"]["Variables"] == {"A": "1"}


def test_a_template_without_globals_gets_them() -> None:
    changed = with_variable({}, "B", "2")
    assert changed == {"Globals": {"Function": {"Environment": {"Variables": {"B": "2"}}}}}
