"""A copy of the project, in which a test may change what it likes."""

import os
import shutil
import subprocess
from pathlib import Path

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
