"""Asking the Docker engine, where there is one."""

from __future__ import annotations

import shutil
import subprocess

from tools.local.ports import ANY_PORT, can_listen

HOST = "host.docker.internal"
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


def bridge_address() -> str | None:
    """This machine's address on Docker's bridge, by which containers reach it.

    None without Docker, and where Docker runs in a machine of its own (macOS, Windows), which has a
    way to this one's loopback address itself.
    """
    if not is_running():
        return None
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    answer = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", gateway],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    address = answer.stdout.strip()
    return address if address and can_listen(address, ANY_PORT) else None


def add_host() -> str:
    """The value of Docker's, and SAM's, `--add-host` that gives containers the name HOST."""
    return f"{HOST}:host-gateway"


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
