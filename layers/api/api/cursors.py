"""Cursors of paged lists: opaque to callers, a store's own key inside."""

import base64
import binascii
import json
from collections.abc import Mapping

from api.problems import bad_field

Key = Mapping[str, str]


def write_cursor(key: Key | None) -> str | None:
    """Return the cursor for the store's key of the last row, or None at the end."""
    if key is None:
        return None
    text = json.dumps(key, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> dict[str, str] | None:
    """Return the key that `cursor` holds.

    Raises:
        Problem: no `write_cursor` wrote it.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise bad_field("cursor", "was not given by this API") from None
    if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
        raise bad_field("cursor", "was not given by this API")
    return key
