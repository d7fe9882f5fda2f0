"""A copy of the project, in which a test may change what it likes."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support import recipe
from tools.local.deployed import Stack, read_stack
from tools.local.ministack import Ministack
from tools.local.ports import free_port
from tools.local.sam import stack_name
from tools.paths import (
    CELERY_ENVIRONMENT,
    DEV_ENVIRONMENT,
    MINISTACK_ENVIRONMENT,
    ROOT,
    SAM_ENVIRONMENT,
    UV,
)

_INSTALLED = (DEV_ENVIRONMENT, SAM_ENVIRONMENT, MINISTACK_ENVIRONMENT, CELERY_ENVIRONMENT, UV)


def copy_project(folder: Path) -> None:
    """Copy what is the project's: what git tracks, or would if it were added."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for installed in _INSTALLED:
        link = folder / installed.relative_to(ROOT)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(installed)


def copy_as_told(folder: Path, page: str) -> None:
    """Copy the project, and do to the copy what a page of its documentation says."""
    copy_project(folder)
    recipe.apply(page, folder)


@contextlib.contextmanager
def deployed_copy(project: Path) -> Iterator[Stack]:
    """Deploy a copy on a local AWS of its own, for as long as the block takes."""
    port = free_port()
    try:
        run_in(project, "tools.local.stack", "up", "--port", str(port))
        yield read_stack(stack_name(), Ministack(port))
    finally:
        run_in(project, "tools.local.stop", "--port", str(port))


def run_in(project: Path, module: str, *arguments: str, **more: str) -> None:
    """Run a module of the copy, or of its environment, with more variables."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | more
    done = subprocess.run(
        [project / ".venv" / "bin" / "python", "-m", module, *arguments],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
