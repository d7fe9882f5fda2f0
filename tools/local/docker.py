"""Asking the Docker engine, where there is one."""

from __future__ import annotations

import shutil
import subprocess

from tools.errors import ToolError
from tools.shell import last_line

HOST = "host.docker.internal"
HOSTS = "/etc/hosts"
PULL_SECONDS = 300
_ASK_SECONDS = 30


def is_running() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and _succeeds(["version"], _ASK_SECONDS)


def image_exists(tag: str) -> bool:
    """Whether the engine has the image."""
    return _succeeds(["image", "inspect", tag], _ASK_SECONDS)


def pull(tag: str) -> bool:
    """Try to fetch the image from its registry; False where that is not to be had."""
    return _succeeds(["pull", "--quiet", tag], PULL_SECONDS)


def host_address(image: str) -> str:
    """The address at which a container started with `add_host()` finds this machine.

    Args:
        image: any that has `cat`.

    Raises:
        ToolError: no container can be started.
    """
    answer = subprocess.run(
        ["docker", "run", "--rm", "--add-host", add_host(), "--entrypoint", "cat", image, HOSTS],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ToolError(f"Docker cannot start a container: {last_line(answer.stderr)}")
    return address_in(answer.stdout)


def add_host() -> str:
    """The value of Docker's, and SAM's, `--add-host` that gives containers the name HOST."""
    return f"{HOST}:host-gateway"


def address_in(hosts: str) -> str:
    """The address of HOST in the text of an /etc/hosts.

    Raises:
        ToolError: it is not there.
    """
    for line in hosts.splitlines():
        address, *names = line.split() or [""]
        if HOST in names:
            return address
    raise ToolError(f"Docker gives containers no address of this machine ({HOST})")


def _succeeds(arguments: list[str], timeout_seconds: float) -> bool:
    try:
        done = subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
