"""Reads a request's body: a JSON object in UTF-8, and nothing that Python's reader lets through.

`json.loads` takes NaN, numbers and nestings without bound, and halves of surrogate pairs; each of
them would fail later, where it is no longer the caller's error.
"""

import base64
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from api.problems import Problem, bad_field
from taskqueue.message import MAX_BYTES

# A worker reads the value again, deeper in its own stack.
MAX_NESTING = 100
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def with_text_body(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the API Gateway event, whole as `events` makes it, with its body as text.

    Its content type is then JSON's.

    Raises:
        Problem: the body is too large, is not UTF-8 or is not said to be JSON.
    """
    body = event.get("body")
    if not body:
        # The content type of nothing says nothing; Powertools would read it, and fail at many.
        return _as_json(event, None)
    _check_content_type(event)
    text = _decoded(body) if event.get("isBase64Encoded") else str(body)
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body is larger than {MAX_BYTES:,} bytes, the most that a queue takes.",
        )
    return _as_json(event, text)


def read_object(text: str) -> dict[str, Any]:
    """Return the JSON object that `text` holds.

    Raises:
        Problem: `text` is not JSON, or not an object.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        if _ESCAPED_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg} at character {error.pos}"
        raise bad_field("body", reason) from None
    except UnicodeEncodeError:
        raise bad_field("body", "holds half of a surrogate pair") from None
    except RecursionError:
        raise bad_field("body", "is nested too deeply") from None
    except ValueError as error:
        raise bad_field("body", f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise bad_field("body", "must be a JSON object")
    if text.count("[") + text.count("{") > MAX_NESTING and _deeper_than(MAX_NESTING, value):
        raise bad_field("body", "is nested too deeply")
    return value


def _deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for container in level for child in _children(container)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    return [child for child in children if isinstance(child, dict | list)]


def _as_json(event: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    headers = {name: value for name, value in event["headers"].items() if not _is_type(name)}
    headers["content-type"] = "application/json"
    return {**event, "body": text, "isBase64Encoded": False, "headers": headers}


def _is_type(header: str) -> bool:
    return header.lower() == "content-type"


def _check_content_type(event: Mapping[str, Any]) -> None:
    given = next((value for name, value in event["headers"].items() if _is_type(name)), "")
    kind = str(given).partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Type: application/json."
        )


def _decoded(body: str) -> str:
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        raise bad_field("body", "is not text in UTF-8") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
