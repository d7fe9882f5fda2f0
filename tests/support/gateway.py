"""Events as API Gateway sends them: the SAM CLI's sample, with the parts that a test varies."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext

# `sam local generate-event apigateway aws-proxy`
_SAMPLE = json.loads((Path(__file__).parent / "aws_proxy.json").read_text())
STAGE = "dev"

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


@dataclass(frozen=True)
class _Context:
    """The parts of Lambda's context that a handler reads."""

    function_name: str = "api"
    memory_limit_in_mb: int = 256
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:api"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


CONTEXT = cast(LambdaContext, _Context())


@dataclass(frozen=True)
class Answer:
    """A response of the API; header names in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


def event(
    method: str,
    path: str,
    body: Any = None,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the event; `body` is sent as JSON unless it is text already."""
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    sent = {**_SAMPLE["headers"], **(headers or {})}
    if text is not None:
        sent.setdefault("Content-Type", "application/json")
    return {
        **_SAMPLE,
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "body": text,
        "isBase64Encoded": False,
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "requestContext": {
            **_SAMPLE["requestContext"],
            "stage": STAGE,
            "path": f"/{STAGE}{path}",
            "httpMethod": method,
        },
    }


def call(handler: Handler, method: str, path: str, body: Any = None, **parts: Any) -> Answer:
    """Send a request to `handler` and return its answer."""
    return answer(handler(event(method, path, body, **parts), CONTEXT))


def answer(response: Mapping[str, Any]) -> Answer:
    """Read a Lambda proxy response."""
    multiple = response.get("multiValueHeaders") or {}
    headers = {name.lower(): ",".join(values) for name, values in multiple.items()}
    headers |= {name.lower(): value for name, value in (response.get("headers") or {}).items()}
    body = json.loads(response["body"]) if response["body"] else None
    return Answer(response["statusCode"], body, headers)
