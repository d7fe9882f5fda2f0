"""The forwarder, with sockets of this machine."""

import socketserver
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from tools.local.forwarding import forwarded
from tools.local.ports import LOOPBACK, free_port

BODY = b"x" * 300_000


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer((LOOPBACK, 0), _Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_what_is_sent_to_one_address_is_answered_by_the_other(server_port: int) -> None:
    with forwarded(LOOPBACK, server_port) as port:
        assert port != server_port
        for _ in range(3):
            with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/", timeout=10) as answer:
                assert answer.read() == BODY


def test_where_nothing_listens_the_connection_ends() -> None:
    with (
        forwarded(LOOPBACK, free_port()) as port,
        pytest.raises(OSError, match=r"."),
    ):
        urllib.request.urlopen(f"http://{LOOPBACK}:{port}/", timeout=10)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(OSError, match=r"."), forwarded("192.0.2.1", 80):
        pass
