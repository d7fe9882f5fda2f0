"""Every request that botocore sends in this process, retries included, seen where it is sent.

Clients hook in at `Endpoint._send`, the one place that each request passes on its way to the
socket, whichever session or client made it; event hooks belong to one client and miss the others.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.endpoint import Endpoint


@dataclass(frozen=True)
class Request:
    """One request as sent.

    Args:
        service: `dynamodb`, `sqs`, or the host's name for another.
        operation: `BatchWriteItem`, `SendMessage`, ...; the method and path for a REST service.
        body: the decoded JSON.
    """

    service: str
    operation: str
    body: dict[str, Any]


class Observer(Protocol):
    """Sees each request before it is sent and its answer; `after` gets what `before` returned."""

    def before(self, request: Request) -> Any: ...

    def after(self, request: Request, seen_before: Any, answer: dict[str, Any]) -> None: ...


@dataclass
class RequestLog:
    """An observer that keeps the requests."""

    requests: list[Request] = field(default_factory=list)

    def before(self, request: Request) -> None:
        self.requests.append(request)

    def after(self, request: Request, seen_before: Any, answer: dict[str, Any]) -> None:
        return None

    def count(self, service: str, operation: str | None = None) -> int:
        """How many requests went to `service`, of one operation or of all."""
        return sum(
            request.service == service and operation in (None, request.operation)
            for request in self.requests
        )


_TARGETS = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs"}
_unobserved = threading.local()


@contextmanager
def observed(*observers: Observer) -> Iterator[None]:
    """Show each request of this process to the observers, in whichever thread it is sent."""
    original: Callable[..., Any] = Endpoint._send  # type: ignore[attr-defined]

    def send(endpoint: Endpoint, prepared: Any) -> Any:
        if getattr(_unobserved, "on", False):
            return original(endpoint, prepared)
        request = _decode(prepared)
        with unobserved():
            seen = [observer.before(request) for observer in observers]
        response = original(endpoint, prepared)
        # botocore keeps the content that is read here, and reads it there itself.
        answer = json.loads(response.content or b"{}")
        with unobserved():
            for observer, seen_before in zip(observers, seen, strict=True):
                observer.after(request, seen_before, answer)
        return response

    Endpoint._send = send  # type: ignore[attr-defined]
    try:
        yield
    finally:
        Endpoint._send = original  # type: ignore[attr-defined]


@contextmanager
def unobserved() -> Iterator[None]:
    """Requests of this thread that belong to the measurement, not to what is measured."""
    _unobserved.on = True
    try:
        yield
    finally:
        _unobserved.on = False


def _decode(prepared: Any) -> Request:
    target = prepared.headers.get("X-Amz-Target", b"")
    name = target.decode() if isinstance(target, bytes) else target
    prefix, _, operation = name.partition(".")
    service = _TARGETS.get(prefix)
    if service is None:
        return Request(prepared.url, prepared.method, {})
    return Request(service, operation, json.loads(prepared.body))
