"""A proxy between functions on the local AWS and one of its services, which sees what they ask."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.local_function import LocalFunction
from tools.local.deployed import Stack
from tools.local.ports import LOOPBACK

# Told of each request that succeeded: its action and its parameters.
Observer = Callable[[str, dict[str, Any]], None]

TIMEOUT_SECONDS = 30


@contextmanager
def observed_calls(
    stack: Stack, functions: Sequence[str], service: str, observer: Observer
) -> Iterator[None]:
    """While what these functions (logical ids) ask of a service, such as `sqs`, goes by a proxy.

    The observer is told when the service has done it, before the function hears of it.
    """
    with ExitStack() as open_things:
        url = open_things.enter_context(_proxy(stack.port, observer))
        variables = {f"AWS_ENDPOINT_URL_{service.upper()}": url}
        for function in functions:
            # Told apart from the variables, whose names only this call knows.
            configured = LocalFunction(stack, function).configured(
                timeout_seconds=None, **variables
            )
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

    def handle(self) -> None:
        """Answer until whoever asks goes away, or dies."""
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, content = self._forward(body)
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if status == HTTPStatus.OK:
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
