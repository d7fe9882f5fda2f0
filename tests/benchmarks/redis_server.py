"""A Redis of our own: a free port, nothing written to disk."""

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import BenchmarkError, running, until
from tools.local.ports import free_port


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """The port of a Redis that lives as long as the block.

    Raises:
        BenchmarkError: Redis is not installed, or does not start.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise BenchmarkError(
            "redis-server is missing; on Debian or Ubuntu: sudo apt install redis-server"
        )
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with running([program, *options], folder / "redis.log", cwd=folder):
        until(lambda: _answers(port), "Redis to answer")
        yield port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
