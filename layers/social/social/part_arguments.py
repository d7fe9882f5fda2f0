"""What the parts of a fan-out are given, checked: who may send to the queue may send one, too."""

from typing import Any

from social.fanout import MAX_CHUNK_SIZE, FanOut
from social.ids import check_id
from taskqueue.groups.part import Part

_MAX_SECONDS = 2**40


class InvalidPart(ValueError):
    """The arguments of a part are not such as `social.fanout` plans: `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is not what a fan-out plans")
        self.field = field


def read_part(part: Part | None) -> Part:
    """Return which part of a fan-out a message is.

    Raises:
        InvalidPart: it is none.
    """
    if part is None:
        raise InvalidPart("part")
    return part


def read_fan_out(content: object, queue: str, part: Part) -> FanOut:
    """Return the fan-out that a part of it, on that queue, was given.

    Raises:
        InvalidPart, InvalidId: it is none.
    """
    fields = _fields(content, "fan_out", ("task_id", "queue", "author_id", "news_id", "expires_at"))
    if fields["task_id"] != part.whole_id:
        raise InvalidPart("task_id")
    if fields["queue"] != queue:
        raise InvalidPart("queue")
    return FanOut(
        task_id=part.whole_id,
        queue=queue,
        author_id=check_id(fields["author_id"], "author_id"),
        news_id=check_id(fields["news_id"], "news_id"),
        expires_at=_number(fields["expires_at"], "expires_at", _MAX_SECONDS),
    )


def read_friend_ids(content: object) -> list[str]:
    """Return the friends that a chunk is delivered to.

    Raises:
        InvalidPart, InvalidId: they are none, or more than a chunk has.
    """
    if not isinstance(content, list) or len(content) > MAX_CHUNK_SIZE:
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
