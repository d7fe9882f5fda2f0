"""Proxies between functions on the local AWS and its services, which see what they ask.

An interceptor decides what becomes of each call: it may pass it on, answer it itself, or give no
answer, as a network that breaks.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.faults.local_function import LocalFunction
from tools.local.deployed import Stack
from tools.local.ministack import REGION, credentials
from tools.local.ports import LOOPBACK

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What a service answers: an HTTP status and a JSON value, as bytes."""

    status: int
    content_type: str
    content: bytes

    @property
    def is_ok(self) -> bool:
        """Whether the service has done what it was asked to."""
        return self.status == HTTPStatus.OK


@dataclass(frozen=True)
class Call:
    """A request of a function (logical id) to the local AWS at `port`."""

    function: str
    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def action(self) -> str:
        """What is asked for, for example `PutItem`."""
        return self.headers.get("X-Amz-Target", "").rpartition(".")[2]

    @property
    def service(self) -> str:
        """The service's name in the request, for example `DynamoDB_20120810`."""
        return self.headers.get("X-Amz-Target", "").rpartition(".")[0]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the action, as JSON has them."""
        parameters: dict[str, Any] = json.loads(self.body)
        return parameters

    def forward(self) -> Answer:
        """Ask the service as the function did, so that its signature stays valid."""
        return self._ask(self.headers, self.body)

    def forward_other(self, parameters: Mapping[str, Any]) -> Answer:
        """Ask the service for something else, signed by the local AWS's administrator."""
        body = json.dumps(parameters).encode()
        signed = AWSRequest(
            "POST",
            f"http://{LOOPBACK}:{self.port}{self.path}",
            headers={name: self.headers[name] for name in ("X-Amz-Target", "Content-Type")},
            data=body,
        )
        known = credentials()
        keys = Credentials(known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, _signing_name(self.service), REGION).add_auth(signed)
        return self._ask(dict(signed.headers.items()), body)

    def _ask(self, headers: Mapping[str, str], body: bytes) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", self.path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers["Content-Type"], answer.read())
        finally:
            connection.close()


# Returns what the function is answered; None ends the connection without an answer.
Interceptor = Callable[[Call], Answer | None]
# Told of each request that succeeded: its action and its parameters.
Observer = Callable[[str, dict[str, Any]], None]


@contextmanager
def intercepted_calls(
    stack: Stack,
    functions: Sequence[str],
    services: Sequence[str],
    interceptor: Interceptor,
) -> Iterator[None]:
    """While what these functions (logical ids) ask of services, such as `sqs`, is intercepted."""
    with ExitStack() as open_things:
        for function in functions:
            url = open_things.enter_context(proxy(function, stack.port, interceptor))
            endpoints = {f"AWS_ENDPOINT_URL_{service.upper()}": url for service in services}
            # Told apart from the variables, whose names only the callers know.
            configured = LocalFunction(stack, function).configured(
                timeout_seconds=None, **endpoints
            )
            open_things.enter_context(configured)
        yield


@contextmanager
def observed_calls(
    stack: Stack, functions: Sequence[str], service: str, observer: Observer
) -> Iterator[None]:
    """While what these functions (logical ids) ask of a service, such as `sqs`, goes by a proxy.

    The observer is told when the service has done it, before the function hears of it.
    """
    with intercepted_calls(stack, functions, [service], observed(observer)):
        yield


def observed(observer: Observer) -> Interceptor:
    """Return the interceptor that passes everything on, and tells an observer of it."""

    def observe(call: Call) -> Answer:
        answer = call.forward()
        if answer.is_ok:
            observer(call.action, call.parameters)
        return answer

    return observe


@contextmanager
def proxy(caller: str, port: int, interceptor: Interceptor) -> Iterator[str]:
    """Yield the URL at which a caller finds the local AWS at `port`, its calls intercepted."""
    known = {"function": caller, "port": port, "interceptor": staticmethod(interceptor)}
    handler = type("Handler", (_Handler,), known)
    with _Server((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    # A function that is killed amid many others leaves a crowd that connects at once.
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    function: str
    port: int
    interceptor: Interceptor

    def handle(self) -> None:
        """Answer until whoever asks goes away, or dies."""
        with suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # Whoever asked died over its request.
            self.close_connection = True
            return
        call = Call(self.function, self.port, self.path, dict(self.headers), body)
        answer = self.interceptor(call)
        try:
            self._answer(answer)
        except OSError:
            # Whoever asked is dead.
            self.close_connection = True

    def _answer(self, answer: Answer | None) -> None:
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _signing_name(service: str) -> str:
    return "sqs" if service == "AmazonSQS" else "dynamodb"
