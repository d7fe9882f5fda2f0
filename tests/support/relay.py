"""A TCP port of this machine at a further address of it, for containers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

from tools.local.ports import LOOPBACK

_CHUNK_BYTES = 65_536


@contextmanager
def relayed(port: int, address: str) -> Iterator[None]:
    """While what connects to `port` at `address` is connected to that port of 127.0.0.1.

    Raises:
        OSError: nothing can listen there.
    """
    with _Server((address, port), _Connection) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        """Pass bytes in both directions until both sides have ended theirs."""
        port = self.request.getsockname()[1]
        with suppress(OSError), socket.create_connection((LOOPBACK, port)) as target:
            back = threading.Thread(target=_pass, args=(target, self.request), daemon=True)
            back.start()
            _pass(self.request, target)
            back.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
