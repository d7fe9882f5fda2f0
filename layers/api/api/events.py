"""API Gateway's event, whole: what reads it finds every field that it looks for.

A test event of the Lambda console, or one that a program makes, leaves fields out.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
"""

from collections.abc import Mapping
from typing import Any


def whole(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with an empty value for what is missing or null."""
    path = event.get("path") or "/"
    context = event.get("requestContext") or {}
    return {
        **event,
        "path": path,
        "httpMethod": event.get("httpMethod") or "",
        "headers": event.get("headers") or {},
        "multiValueHeaders": event.get("multiValueHeaders") or {},
        "requestContext": {
            **context,
            "path": context.get("path") or path,
            "identity": context.get("identity") or {},
        },
    }
