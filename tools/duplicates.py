"""SQS as seen by a function, with every tenth message delivered twice.

A standard queue delivers at least once, and on AWS a second delivery is rare and cannot be asked
for. So a proxy between a function and SQS sends a copy of some of the messages that pass.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

from tools.deployed import Stack
from tools.local_function import LocalFunction
from tools.ports import LOOPBACK

# Some copies come at once, and some when the task has long been finished.
COPY_DELAYS_SECONDS = (0, 1, 3)


class Duplicator:
    """Counts the messages sent, and sends every `every`th of them again."""

    def __init__(self, sqs: Any, every: int) -> None:
        self._sqs = sqs
        self._every = every
        self._delays = cycle(COPY_DELAYS_SECONDS)
        self._lock = threading.Lock()
        self.sent = 0
        self.copied = 0

    def observe(self, action: str, request: dict[str, Any]) -> None:
        """Take note of a request that SQS has answered."""
        entries = request["Entries"] if action == "SendMessageBatch" else [request]
        for entry in entries:
            if self._is_chosen():
                self._sqs.send_message(
                    QueueUrl=request["QueueUrl"],
                    MessageBody=entry["MessageBody"],
                    DelaySeconds=next(self._delays),
                )

    def _is_chosen(self) -> bool:
        with self._lock:
            self.sent += 1
            is_chosen = self.sent % self._every == 0
            self.copied += is_chosen
        return is_chosen


@contextmanager
def duplicated(stack: Stack, functions: list[str], every: int = 10) -> Iterator[Duplicator]:
    """While every `every`th message that these functions (logical ids) send is sent twice."""
    duplicator = Duplicator(stack.client("sqs"), every)
    with ExitStack() as open_things:
        url = open_things.enter_context(_proxy(stack.port, duplicator))
        for function in functions:
            configured = LocalFunction(stack, function).configured(AWS_ENDPOINT_URL_SQS=url)
            open_things.enter_context(configured)
        yield duplicator


@contextmanager
def _proxy(port: int, duplicator: Duplicator) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"port": port, "duplicator": duplicator})
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
    duplicator: Duplicator

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        connection.request("POST", self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if answer.status == http.HTTPStatus.OK and action.startswith("SendMessage"):
            self.duplicator.observe(action, json.loads(body))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
