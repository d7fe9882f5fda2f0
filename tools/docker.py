"""Asking the Docker engine, where there is one."""

from __future__ import annotations

import shutil
import subprocess

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


def bridge_gateway() -> str | None:
    """This machine's address as containers see it, or None where Docker runs in a machine apart."""
    template = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
    answer = subprocess.run(
        ["docker", "network", "inspect", "bridge", "--format", template],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or None


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
