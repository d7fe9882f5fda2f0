"""The ids of users and news.

An id is 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and begins with a letter or a digit: the
characters that stand in a URL as they are (RFC 3986, 2.3), and no path such as `..`.
"""

import re

MAX_USER_ID_LENGTH = 128
RANDOM_BYTES = 10

_ID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._~-]{{0,{MAX_USER_ID_LENGTH - 1}}}")
_MAX_MS = 2**48


class InvalidId(ValueError):
    """The id is not 1 to 128 characters of A-Z a-z 0-9 . _ ~ - that begin with A-Z a-z 0-9."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} must be 1 to {MAX_USER_ID_LENGTH} characters of A-Z a-z 0-9 . _ ~ - "
            "and begin with a letter or a digit"
        )
        self.name = name


def check_id(value: object, name: str) -> str:
    """Return `value` if it is a valid id; `name` is what the error calls it.

    Raises:
        InvalidId: it is not.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidId(name)
    return value


def news_id(now_ms: int, random: bytes) -> str:
    """Return the id of news posted at `now_ms`: 12 hex digits of time, 20 of chance.

    Their order as text is the order of their times, to the millisecond; 80 random bits keep apart
    what is posted in the same one.

    Args:
        now_ms: milliseconds since the epoch, below 2**48.
        random: `RANDOM_BYTES` random bytes.
    """
    if not 0 <= now_ms < _MAX_MS or len(random) != RANDOM_BYTES:
        raise ValueError(f"a news id takes a time of 48 bits and {RANDOM_BYTES} random bytes")
    return f"{now_ms:012x}{random.hex()}"
