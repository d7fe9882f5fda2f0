"""The local AWS: one ministack process per port, its files under `.local/<port>/`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError
from tools.local.ports import LOOPBACK, is_listening
from tools.paths import LOCAL, MINISTACK_PYTHON
from tools.shell import last_line

DEFAULT_PORT = 4566
REGION = "us-east-1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Ministack:
    """The local AWS at one port of 127.0.0.1.

    Attributes:
        port: where it listens.
    """

    port: int = DEFAULT_PORT

    @property
    def endpoint_url(self) -> str:
        """What `AWS_ENDPOINT_URL` is to be."""
        return f"http://localhost:{self.port}"

    @property
    def folder(self) -> Path:
        """Its data, its pid and its log."""
        return LOCAL / str(self.port)

    @property
    def built(self) -> Path:
        """What was built for the stack that is deployed to it."""
        return self.folder / "built"

    @property
    def log(self) -> Path:
        """What it and the Lambdas in it print."""
        return self.folder / "ministack.log"

    @property
    def pid_file(self) -> Path:
        """Holds the id of its process while it runs."""
        return self.folder / "ministack.pid"

    def pid(self) -> int | None:
        """The id of its process, if that still runs and is a ministack."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if "ministack" in _command_of(pid) else None

    def start(self) -> bool:
        """Start it unless it runs; True if it was started.

        Raises:
            ToolError: the port is something else's, or the process does not come up.
        """
        if self.pid() is not None:
            self._wait_until_healthy(lambda: self.pid() is None)
            return False
        if is_listening(self.port):
            raise ToolError(
                f"port {self.port} is in use by another program; "
                f"end that, or choose a port of your own: make run PORT={self.port + 1}"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)
        process = self._spawn()
        # Asked of the process itself: for a moment a new one has no command line yet.
        self._wait_until_healthy(lambda: process.poll() is not None)
        return True

    def stop(self) -> bool:
        """End it and what it started, and remove its data; True if it ran."""
        pid = self.pid()
        if pid is not None:
            _end_group(pid)
        shutil.rmtree(self.folder, ignore_errors=True)
        return pid is not None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("w") as log:
            process = subprocess.Popen(
                server_command(self.port),
                env=server_environ(os.environ, self.port, self.folder),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(str(process.pid))
        return process

    def _wait_until_healthy(self, has_ended: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_healthy():
            if has_ended() or time.monotonic() > deadline:
                reason = last_line(self.log.read_text(errors="replace"))
                raise ToolError(f"the local AWS did not start: {reason} (all of it: {self.log})")
            time.sleep(_POLL_SECONDS)

    def _is_healthy(self) -> bool:
        url = f"http://{LOOPBACK}:{self.port}/_ministack/health"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(json.load(answer)["services"])
        except (OSError, ValueError, KeyError):
            return False


def add_port(parser: argparse.ArgumentParser) -> None:
    """Let a command line name the port of the local AWS."""
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the local AWS")


def server_command(port: int) -> list[str | Path]:
    """ministack's own server, for this machine only.

    Without workers of its own, so that the processes of the Lambdas are its children.
    """
    options = ["--workers", "0", "--keep-alive", "75", "--bind", f"{LOOPBACK}:{port}"]
    return [MINISTACK_PYTHON, "-m", "hypercorn", *options, "ministack.app:app"]


def server_environ(environ: Mapping[str, str], port: int, folder: Path) -> dict[str, str]:
    """The environment of the server, and so of its Lambdas: little of the user's, no AWS account.

    IAM is enforced, Lambdas run as its child processes, and only this machine can reach it.
    """
    kept = {name: environ[name] for name in ("PATH", "HOME", "LANG") if name in environ}
    return (
        kept
        | {
            "GATEWAY_PORT": str(port),
            "LAMBDA_EXECUTOR": "local",
            "AUTH": "true",
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": str(folder / "s3"),
            "STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder / "tmp"),
        }
        | credentials()
    )


def credentials() -> dict[str, str]:
    """The local AWS's own administrator; no account anywhere has this key."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def client_environ(environ: Mapping[str, str], endpoint_url: str) -> dict[str, str]:
    """`environ` for a program that is to talk to the local AWS, whatever account it knew before."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return kept | credentials() | {"AWS_ENDPOINT_URL": endpoint_url}


def _command_of(pid: int) -> str:
    """The command line of a process, or nothing if there is no such process (or a dead one)."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    answer = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "" if "<defunct>" in answer.stdout else answer.stdout.strip()


def _end_group(pid: int) -> None:
    """Ask the process to end, wait, and then end all of its group (the Lambdas are children)."""
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _command_of(pid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
