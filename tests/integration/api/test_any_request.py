"""Whatever API Gateway hands over, no answer is a server error, and a refusal stores nothing.

FUZZ_REQUESTS says how many requests are made; `make fuzz` makes 10,000.
"""

import base64
import importlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from taskqueue.lambdas import clients
from tests.support.api_stack import Stack
from tests.support.gateway import CONTEXT

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "300"))
# One valid request of every route.
_EVENTS = Path(__file__).parents[3] / "events"
SAMPLES = [
    (function, json.loads(path.read_text()))
    for function in ("producer", "query")
    for path in sorted((_EVENTS / function).glob("*.json"))
]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "")
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "text/plain",
    "application/xml",
    ";",
    "",
)
NAMES = ("Content-Type", "content-type", "CONTENT-TYPE")
HEADERS = ("Idempotency-Key", "If-None-Match", "Accept", "Accept-Encoding", "Origin", "Host")
QUERY = ("limit", "cursor", "queue", "at", "x")
# Those that write, when they succeed.
WRITES = ("Put", "Update", "Delete", "Batch", "Transact", "Send", "Create")

TEXT = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SEGMENT = TEXT | st.sampled_from(["%00", "%ff", "%2e%2e", "..", "a b", "%", "a%2Fb", "x" * 3_000])


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A function, and a valid request to it, of which a few parts are something else."""
    function, sample = draw(st.sampled_from(SAMPLES))
    request = dict(sample)
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        change(draw, request)
    return function, request


def _body(draw: st.DrawFn, request: dict[str, Any]) -> None:
    request["body"] = draw(st.sampled_from([None, "", "{}"]) | TEXT | JSON.map(json.dumps))


def _field(draw: st.DrawFn, request: dict[str, Any]) -> None:
    """Another value of one field of the body, or none."""
    try:
        body = json.loads(request.get("body") or "{}")
    except ValueError:
        return
    if isinstance(body, dict):
        name = draw(st.sampled_from([*body, "args", "kwargs", "eta", "task_id", "x"]))
        body.pop(name, None)
        if draw(st.booleans()):
            body[name] = draw(JSON)
        request["body"] = json.dumps(body)


def _bytes(draw: st.DrawFn, request: dict[str, Any]) -> None:
    body = draw(st.binary(max_size=30) | st.just((request.get("body") or "").encode()))
    request["body"] = base64.b64encode(body).decode()
    request["isBase64Encoded"] = draw(st.booleans())


def _flag(draw: st.DrawFn, request: dict[str, Any]) -> None:
    request["isBase64Encoded"] = draw(st.sampled_from([True, False, None]))


def _type(draw: st.DrawFn, request: dict[str, Any]) -> None:
    kinds = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TYPES) | TEXT))
    _set_headers(request, kinds)


def _headers(draw: st.DrawFn, request: dict[str, Any]) -> None:
    _set_headers(request, draw(st.dictionaries(st.sampled_from(HEADERS) | TEXT, TEXT, max_size=4)))


def _set_headers(request: dict[str, Any], headers: dict[str, str]) -> None:
    request["headers"] = {**(request.get("headers") or {}), **headers}
    request["multiValueHeaders"] = {name: [value] for name, value in request["headers"].items()}


def _path(draw: st.DrawFn, request: dict[str, Any]) -> None:
    segments = (request.get("path") or "/").split("/")
    index = draw(st.integers(0, len(segments) - 1))
    segments[index] = draw(SEGMENT)
    request["path"] = "/".join(segments)


def _query(draw: st.DrawFn, request: dict[str, Any]) -> None:
    names = st.sampled_from(QUERY) | TEXT
    values = draw(st.dictionaries(names, st.lists(TEXT, min_size=1, max_size=3), max_size=3))
    request["queryStringParameters"] = {name: given[-1] for name, given in values.items()}
    request["multiValueQueryStringParameters"] = values


def _method(draw: st.DrawFn, request: dict[str, Any]) -> None:
    request["httpMethod"] = draw(st.sampled_from(METHODS))


def _missing(draw: st.DrawFn, request: dict[str, Any]) -> None:
    for name in draw(st.lists(st.sampled_from(sorted(request)), max_size=4)):
        if draw(st.booleans()):
            request.pop(name, None)
        else:
            request[name] = None


CHANGES = (
    *(_body, _field, _bytes, _flag, _type, _headers, _path, _query, _method, _missing),
    # Most faults are there.
    *(_body, _field, _type),
)


@contextmanager
def writes() -> Iterator[list[str]]:
    """Tell which requests write meanwhile, but for the memory of answers."""
    seen: list[str] = []

    def see(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        is_write = model.name.startswith(WRITES) and not model.name.startswith("BatchGet")
        is_ours = context.get("table") != "idempotency_table"
        if is_write and is_ours and http_response.status_code < 300:
            seen.append(model.name)

    def note(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["table"] = params.get("TableName")

    events = [clients.client(name).meta.events for name in ("dynamodb", "sqs", "scheduler")]
    for one in events:
        one.register("before-parameter-build", note, unique_id="note")
        one.register("after-call", see, unique_id="see")
    try:
        yield seen
    finally:
        for one in events:
            one.unregister("before-parameter-build", unique_id="note")
            one.unregister("after-call", unique_id="see")


@settings(
    max_examples=REQUESTS,
    # The stack is the same for all requests: what one writes does no harm to another.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=requests())
def test_no_request_is_a_server_error(stack: Stack, made: tuple[str, dict[str, Any]]) -> None:
    function, request = made
    app = importlib.import_module(f"functions.{function}.app")
    with writes() as written:
        response = app.handler(request, CONTEXT)

    status = response["statusCode"]
    event(f"status {status}")
    assert status < 500
    if status >= 400:
        assert written == []
        problem = json.loads(response["body"])
        assert problem["status"] == status
        assert {"type", "title", "detail"} <= problem.keys()
