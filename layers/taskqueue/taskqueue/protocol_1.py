"""Celery's message protocol 1, in which the body says all: read as protocol 2. No I/O.

https://docs.celeryq.dev/en/stable/internals/protocol.html#version-1
"""

from collections.abc import Mapping
from typing import Any

# What protocol 2 has in its headers, under the same names.
_HEADERS = ("task", "id", "retries", "eta", "expires", "timelimit", "group_index")
_EMBED = ("callbacks", "errbacks", "chord")


def headers_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that a message of protocol 2 has for this body.

    A group was called a task set.
    """
    headers = {name: body.get(name) for name in _HEADERS}
    return {**headers, "group": body.get("taskset") or body.get("group")}


def content_of(body: Mapping[str, Any]) -> list[Any]:
    """Return the arguments and what follows the task, as protocol 2 has them."""
    embed = {name: body.get(name) for name in _EMBED}
    return [body.get("args", []), body.get("kwargs", {}), {**embed, "chain": None}]
