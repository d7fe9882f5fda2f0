"""Tasks that are revoked by their stamps: each revoked stamp is an item in the table of records.

A worker looks for the stamps of a task that has some, and of no other.
https://docs.celeryq.dev/en/stable/userguide/canvas.html#stamping
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

# What is stored under a stamp's key: that it is there is all it says.
REVOKED = b"{}"


def keys_of(stamps: Mapping[str, Any]) -> list[str]:
    """Return the keys of stamps. A header's stamp is a value or a list of them."""
    return [_key(header, value) for header, values in stamps.items() for value in _listed(values)]


def stamps_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stamps of a task's request fields; none where those are malformed."""
    stamps, named = fields.get("stamps"), fields.get("stamped_headers")
    if not isinstance(stamps, Mapping) or not isinstance(named, Iterable):
        return {}
    return {name: value for name, value in stamps.items() if name in named and value is not None}


def _key(header: str, value: Any) -> str:
    # A key of DynamoDB holds 2,048 bytes, a stamp more.
    stamp = json.dumps([header, value], default=str).encode()
    return f"taskqueue-revoked-stamp-{hashlib.sha256(stamp).hexdigest()}"


def _listed(values: Any) -> Iterable[Any]:
    return values if isinstance(values, list | tuple | set | frozenset) else [values]
