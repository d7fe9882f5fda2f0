import http.server
import threading
import urllib.request
from collections.abc import Iterator

import pytest

from tests.support.relay import relayed
from tools.local.ports import LOOPBACK, free_port, is_listening

# All of 127.0.0.0/8 is this machine, on Linux.
OTHER = "127.0.0.2"


class _Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    port = free_port()
    with http.server.ThreadingHTTPServer((LOOPBACK, port), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield port
        server.shutdown()
        thread.join()


def test_what_is_sent_to_one_address_is_answered_by_the_other(port: int) -> None:
    body = bytes(range(256)) * 10_000

    with relayed(port, OTHER):
        request = urllib.request.Request(f"http://{OTHER}:{port}", body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.read() == body
    assert not is_listening(port, OTHER)


def test_an_address_that_is_not_this_machine_s_is_an_error(port: int) -> None:
    with pytest.raises(OSError, match="assign"), relayed(port, "192.0.2.1"):
        pass
