"""A Lambda function on the local AWS: its processes, and its settings for a while.

ministack runs each concurrent invocation in a process of its own, below ministack's, that it
keeps for the next one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.local.deployed import Stack
from tools.local.ministack import Ministack


@dataclass(frozen=True)
class LocalFunction:
    """The function with the logical id `logical_id`, for example `notificationsFunction`."""

    stack: Stack
    logical_id: str

    @cached_property
    def name(self) -> str:
        """Its name on the local AWS."""
        return self.stack.resources("AWS::Lambda::Function")[self.logical_id]

    def pids(self) -> list[int]:
        """The ids of the processes that run it, busy or idle. Read from /proc, so on Linux only."""
        server = Ministack(self.stack.port).pid()
        variable = f"AWS_LAMBDA_FUNCTION_NAME={self.name}".encode()
        started = [pid for pid in _all_pids() if variable in _environ(pid)]
        return [pid for pid in started if any(one == server for one in _ancestors(pid))]

    @contextmanager
    def configured(self, *, timeout_seconds: int | None = None, **variables: str) -> Iterator[None]:
        """With another time limit, or further environment variables; as before afterwards."""
        client = self.stack.client("lambda")
        before = client.get_function_configuration(FunctionName=self.name)
        known = before["Environment"]["Variables"]
        client.update_function_configuration(
            FunctionName=self.name,
            Timeout=timeout_seconds or before["Timeout"],
            Environment={"Variables": {**known, **variables}},
        )
        try:
            yield
        finally:
            client.update_function_configuration(
                FunctionName=self.name,
                Timeout=before["Timeout"],
                Environment={"Variables": known},
            )


def kill(pids: list[int]) -> None:
    """End the processes at once, as if their machine had lost its power."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _ancestors(pid: int) -> Iterator[int]:
    """The process' parent, its parent's, and so on: the server starts functions in a child."""
    while parent := _parent(pid):
        yield parent
        pid = parent


def _parent(pid: int) -> int | None:
    try:
        # The command's name, in parentheses, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1])


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
