"""A function's files as Lambda has them: copied from the built artefact, not to be written to."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.expansion import expand


@dataclass(frozen=True)
class LambdaFiles:
    """What Lambda puts at /var/task and below /opt, and the module of the handler."""

    task: Path
    layers: Path
    module: str

    @property
    def python_path(self) -> str:
        """Where Lambda's Python looks first: the function, then its layers."""
        return f"{self.task}:{self.layers / 'python'}"


def copy_built(built: Path, logical_id: str, target: Path) -> LambdaFiles:
    """Copy a function and its layers below `target`, and take the right to write away.

    Args:
        built: the folder of the built template, as `sam build` left it.
        logical_id: the function's name in the template.
    """
    resources = expand(built / "template.yaml", {})["Resources"]
    function: Mapping[str, Any] = resources[logical_id]["Properties"]
    module = function["Handler"].rpartition(".")[0]
    files = LambdaFiles(target / "task", target / "opt", module)
    shutil.copytree(built / function["CodeUri"], files.task)
    for layer in function["Layers"]:
        content = resources[layer["Ref"]]["Properties"]["ContentUri"]
        shutil.copytree(built / content, files.layers, dirs_exist_ok=True)
    make_read_only(target)
    return files


def make_read_only(folder: Path) -> None:
    """Take the right to write away, from the files up to the folder itself."""
    for path in [*folder.rglob("*"), folder]:
        path.chmod(path.stat().st_mode & ~0o222)
