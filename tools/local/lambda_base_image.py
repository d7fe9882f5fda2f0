"""A stand-in for AWS's Lambda base image: `python -m tools.local.lambda_base_image`.

`sam local` starts functions in containers of public.ecr.aws/lambda/python. Where that image can't
be pulled, this makes one that serves: a Debian root file system, CPython 3.13 in /var/lang as AWS
has it, AWS's own runtime interface client in /var/runtime. Needs root, Docker and debootstrap.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.errors import ToolError, run_tool, say
from tools.local.docker import image_exists, is_running, pull
from tools.paths import LOCAL, ROOT, UV
from tools.shell import run_logged

REPOSITORY = "public.ecr.aws/lambda/python"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
WORK = LOCAL / "lambda-base-image"
LOG = LOCAL / "logs" / "lambda-base-image.log"

# Parts of CPython's library that no function imports, and Tk's, whose libraries are many.
UNUSED = ("__pycache__", "test", "site-packages", "idlelib", "tkinter", "turtledemo", "_tkinter*")

BOOTSTRAP = """#!/bin/sh
# What AWS's runtime does: the function's code, then the layers', then the runtime's own.
export PYTHONPATH=/var/task:/opt/python/lib/python3.13/site-packages:/opt/python:/var/runtime
exec /var/lang/bin/python3.13 -m awslambdaric "$_HANDLER"
"""

SETTINGS = (
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/opt/lib",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "ENV LANG=C.UTF-8",
    "WORKDIR /var/task",
    'ENTRYPOINT ["/var/runtime/bootstrap"]',
)


def image_tags(machine: str) -> tuple[str, str]:
    """The names under which the SAM CLI asks for the image on a `machine` (as `uname -m` says)."""
    return f"{REPOSITORY}:3.13", f"{REPOSITORY}:3.13-{ARCHITECTURES[machine.lower()]}"


def ensure_image() -> str:
    """Have the base image in Docker, as it is, pulled, or the stand-in; returns its name.

    Raises:
        ToolError: no Docker engine runs, or the stand-in can't be made.
    """
    if not is_running():
        raise ToolError("no Docker engine runs here")
    tags = image_tags(platform.machine())
    if image_exists(tags[1]):
        return tags[1]
    if pull(tags[1]):
        say("Lambda base image: pulled")
        return tags[1]
    say("Lambda base image: cannot be pulled, making a stand-in (about a minute)")
    make_stand_in(tags)
    return tags[1]


def main() -> None:
    """Say which image there is, having made it if need be."""
    say(f"Lambda base image: {ensure_image()}")


def make_stand_in(tags: tuple[str, ...]) -> None:
    """Make the stand-in image and give it `tags`.

    Raises:
        ToolError: a tool is missing or failed.
    """
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise ToolError("making the stand-in image needs root and debootstrap (Debian's package)")
    shutil.rmtree(WORK, ignore_errors=True)
    root = WORK / "root"
    root.mkdir(parents=True)
    try:
        _install_debian(root)
        _install_python(root)
        _install_runtime(root)
        _import_image(root, tags)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


def _install_debian(root: Path) -> None:
    """Debian of this machine's own release, so that its CPython finds the C library it knows."""
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
    run_logged(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", release, root],
        LOG,
        "debootstrap failed",
    )
    shutil.rmtree(root / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)


def _install_python(root: Path) -> None:
    """Copy this interpreter to /var/lang, and beside it the libraries that Debian's root lacks."""
    home = Path(sys.base_prefix)
    target = root / "var/lang"
    name = "python3.13"
    (target / "bin").mkdir(parents=True)
    shutil.copy2((home / "bin" / name).resolve(), target / "bin" / name)
    (target / "bin" / "python3").symlink_to(name)
    shutil.copytree(
        home / "lib" / name, target / "lib" / name, ignore=shutil.ignore_patterns(*UNUSED)
    )
    for library in (home / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, target / "lib")
    _copy_libraries(root, target)


def _copy_libraries(root: Path, target: Path) -> None:
    modules = (target / "lib").glob("python*/lib-dynload/*.so")
    for library in linked_libraries(_output(["ldd", target / "bin/python3", *modules])):
        if not any((root / folder / library.name).exists() for folder in _library_folders(library)):
            shutil.copy2(library, target / "lib" / library.name)


def _library_folders(library: Path) -> list[Path]:
    """Where the root may have it: at the same place, or, /lib being /usr/lib now, below /usr."""
    folder = library.parent.relative_to("/")
    return [folder, Path("usr") / folder]


def linked_libraries(ldd_output: str) -> set[Path]:
    """The files that `ldd` says are loaded, of any number of programs."""
    return {Path(path) for path in re.findall(r"=> (/\S+) \(0x", ldd_output)}


def _install_runtime(root: Path) -> None:
    runtime = root / "var/runtime"
    (root / "var/task").mkdir()
    failure = "awslambdaric could not be installed"
    requirements = WORK / "requirements.txt"
    run_logged(
        [
            *(UV, "export", "--frozen", "--only-group", "lambda-runtime"),
            *("--project", ROOT, "--output-file", requirements),
        ],
        LOG,
        failure,
    )
    run_logged(
        [
            *(UV, "pip", "install", "--python", sys.executable, "--target", runtime),
            *("--require-hashes", "--requirements", requirements),
        ],
        LOG,
        failure,
    )
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)


def _import_image(root: Path, tags: tuple[str, ...]) -> None:
    archive = WORK / "root.tar"
    run_logged(["tar", "-C", root, "-cf", archive, "."], LOG, "tar failed")
    changes = [part for setting in SETTINGS for part in ("--change", setting)]
    run_logged(["docker", "import", *changes, archive, tags[0]], LOG, "docker import failed")
    for tag in tags[1:]:
        run_logged(["docker", "tag", tags[0], tag], LOG, "docker tag failed")


def _output(command: list[str | Path]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    run_tool(main)
