"""A part of a group, and how it ended: no I/O."""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeIs

# A group's parts are counted in items of so many, its shards: each stays within one write unit.
SHARD_PARTS = 64
# Indexes of parts are below this, and ids are no longer.
_MAX_PARTS = 1_000_000_000
_MAX_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Part:
    """Part number `index`, from 0, of the group that finishes the task `whole_id`.

    `size`: how many parts the group has; None where that was not known when the part was sent.
    """

    whole_id: str
    index: int
    size: int | None = None

    @property
    def shard(self) -> int:
        """The number of the shard that counts the part."""
        return self.index // SHARD_PARTS

    @property
    def content(self) -> dict[str, Any]:
        """The part as a message says it."""
        return {"of": self.whole_id, "index": self.index, "size": self.size}

    @classmethod
    def read(cls, content: object) -> "Part":
        """Read what `content` returned.

        Raises:
            ValueError: it is no part.
        """
        fields = content if isinstance(content, dict) else {}
        whole_id, index, size = (fields.get(name) for name in ("of", "index", "size"))
        if not isinstance(whole_id, str) or not 1 <= len(whole_id) <= _MAX_ID_LENGTH:
            raise ValueError("no id of a whole")
        # DynamoDB cannot store half of a surrogate pair, which JSON has: its error is a ValueError.
        whole_id.encode()
        if not is_number(index) or not (size is None or (is_number(size) and index < size)):
            raise ValueError("no index in a group")
        return cls(whole_id, index, size)


@dataclass(frozen=True, slots=True)
class Done:
    """The part did what it was to do, to `count` things."""

    count: int


class Failed(NamedTuple):
    """The part ended otherwise: it failed, expired or was revoked. `error` says why."""

    error: str


type PartEnd = Done | Failed


def is_number(value: object) -> TypeIs[int]:
    """Whether a value is a number that an index, or a count of parts, may be."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_PARTS


def shards_of(size: int) -> int:
    """Return how many shards a group of `size` parts has."""
    return -(-size // SHARD_PARTS)
