"""API Gateway's event, whole: what reads it finds every field that it looks for.

A test event of the Lambda console, or one that a program makes, leaves fields out.
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-input-format
"""

import re
from collections.abc import Mapping
from typing import Any


def whole(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with its route's own path, and an empty value for what it lacks."""
    path = _behind_base_path(event.get("path") or "/", event.get("resource") or "")
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


def _behind_base_path(path: str, resource: str) -> str:
    """Return the path without the base path under which a custom domain has the API.

    API Gateway leaves the base path in the event's path, but not in its resource (`/tasks/{task}`).
    https://docs.powertools.aws.dev/lambda/python/latest/core/event_handler/api_gateway/#custom-domain-api-mappings
    """
    route = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(resource))
    found = re.search(f"{route}/*$", path)
    return found[0] if found and resource else path
