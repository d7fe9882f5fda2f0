"""Celery's own integration suite, from its sdist on PyPI: by the version and hash in uv.lock."""

import os
import tarfile
import tomllib
from pathlib import Path

from tools.paths import ROOT, UV
from tools.shell import run_logged

# The suite, what it imports, and its settings for pytest; Celery itself is the installed one.
_KEPT = ("t/__init__.py", "t/canvas_helpers.py", "t/integration/", "pyproject.toml")
_REQUIREMENTS = "requirements.txt"
_PIP = ("tool", "run", "--python", "3.13", "pip", "download")
_SOURCE_ONLY = ("--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes")


def unpacked(folder: Path, log: Path) -> Path:
    """Return the folder of the suite, which is downloaded unless it is there.

    Raises:
        ToolError: PyPI does not have what the hash is of.
    """
    name, requirement = _locked((ROOT / "uv.lock").read_text())
    suite = folder / name
    if not suite.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _REQUIREMENTS).write_text(requirement)
        run_logged(
            [UV, *_PIP, *_SOURCE_ONLY, "--requirement", _REQUIREMENTS],
            log,
            "Celery's suite could not be downloaded",
            environ=os.environ,
            cwd=folder,
        )
        _unpack(folder / f"{name}.tar.gz", folder)
    return suite


def _locked(lock: str) -> tuple[str, str]:
    """Return the name of the sdist's folder, and the requirement that names its hash."""
    packages = tomllib.loads(lock)["package"]
    (celery,) = (package for package in packages if package["name"] == "celery")
    name = f"celery-{celery['version']}"
    return name, f"celery=={celery['version']} --hash={celery['sdist']['hash']}\n"


def _unpack(archive: Path, folder: Path) -> None:
    name = archive.name.removesuffix(".tar.gz")
    kept = tuple(f"{name}/{path}" for path in _KEPT)
    with tarfile.open(archive) as files:
        members = [member for member in files if member.name.startswith(kept)]
        files.extractall(folder, members, filter="data")
