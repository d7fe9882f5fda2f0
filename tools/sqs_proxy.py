"""A proxy between functions on the local AWS and its SQS, which sees what they send."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.deployed import Stack
from tools.local_function import LocalFunction
from tools.ports import LOOPBACK

# Told of each SendMessage and SendMessageBatch: the request's action and its parameters.
Observer = Callable[[str, dict[str, Any]], None]

TIMEOUT_SECONDS = 30


@contextmanager
def observed_sends(stack: Stack, functions: Sequence[str], observer: Observer) -> Iterator[None]:
    """While what these functions (logical ids) send goes through the proxy.

    The observer is told when SQS has taken the messages, before the function hears of it.
    """
    with ExitStack() as open_things:
        url = open_things.enter_context(_proxy(stack.port, observer))
        for function in functions:
            configured = LocalFunction(stack, function).configured(AWS_ENDPOINT_URL_SQS=url)
            open_things.enter_context(configured)
        yield


@contextmanager
def _proxy(port: int, observer: Observer) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"port": port, "observer": staticmethod(observer)})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Passes requests on as they are, so that their signatures stay valid."""

    protocol_version = "HTTP/1.1"
    port: int
    observer: Observer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, content = self._forward(body)
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if status == HTTPStatus.OK and action.startswith("SendMessage"):
            self.observer(action, json.loads(body))
        try:
            self._answer(status, kind, content)
        except OSError:
            # Whoever asked is dead.
            self.close_connection = True

    def _forward(self, body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"], answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
