"""What the parts of a fan-out are given, checked: who may send to the queue may send one, too."""

import re
from typing import Any

from social.fanout import CHUNK_SIZE, PAGE_SIZE, Chunk, FanOut
from social.ids import check_id
from taskqueue.message import MAX_ID_LENGTH

_PLAN_ID = re.compile(r"[0-9a-f]{12}")
_MAX_SECONDS = 2**40


class InvalidPart(ValueError):
    """The arguments of a part are not such as `social.fanout` plans: `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not what a fan-out plans")
        self.field = field


def read_fan_out(content: object, queue: str) -> FanOut:
    """Return the fan-out that a part of it, on that queue, was given.

    Raises:
        InvalidPart, InvalidId: it is none.
    """
    fields = _fields(content, "fan_out", ("task_id", "queue", "author_id", "news_id", "expires_at"))
    task_id = fields["task_id"]
    if not isinstance(task_id, str) or not 1 <= len(task_id) <= MAX_ID_LENGTH:
        raise InvalidPart("task_id")
    if fields["queue"] != queue:
        raise InvalidPart("queue")
    return FanOut(
        task_id=task_id,
        queue=queue,
        author_id=check_id(fields["author_id"], "author_id"),
        news_id=check_id(fields["news_id"], "news_id"),
        expires_at=_number(fields["expires_at"], "expires_at", _MAX_SECONDS),
    )


def read_chunk(content: object) -> Chunk:
    """Return which chunk a part is.

    Raises:
        InvalidPart: it is none.
    """
    fields = _fields(content, "chunk", ("page", "plan_id", "index"))
    plan_id = fields["plan_id"]
    if not isinstance(plan_id, str) or not _PLAN_ID.fullmatch(plan_id):
        raise InvalidPart("plan_id")
    index = _number(fields["index"], "index", PAGE_SIZE)
    return Chunk(read_page_number(fields["page"]), plan_id, index)


def read_page_number(content: object) -> int:
    """Return the number of a page.

    Raises:
        InvalidPart: it is none.
    """
    return _number(content, "page", 10**9)


def read_friend_ids(content: object) -> list[str]:
    """Return the friends that a chunk is delivered to.

    Raises:
        InvalidPart, InvalidId: they are none, or more than a chunk has.
    """
    if not isinstance(content, list) or len(content) > CHUNK_SIZE:
        raise InvalidPart("friend_ids")
    return [check_id(friend_id, "friend_ids") for friend_id in content]


def _fields(content: object, name: str, fields: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(content, dict) or content.keys() != set(fields):
        raise InvalidPart(name)
    return content


def _number(content: object, name: str, end: int) -> int:
    """Return a whole number from 0 on, below `end`."""
    if not isinstance(content, int) or isinstance(content, bool) or not 0 <= content < end:
        raise InvalidPart(name)
    return content
