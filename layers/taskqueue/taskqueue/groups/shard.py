"""What is known of up to 64 parts of a group: no I/O.

Done parts are a set, never a counter, so a part that ends twice is done once. The first end that is
`Done` fixes what a part counts; it stands above any `Failed`, so that a part that failed and was
redriven is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from taskqueue.groups.part import SHARD_PARTS, Done, Failed, Part, PartEnd

# The first error of a shard's parts is kept, and of that so many characters.
MAX_FIRST_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Shard:
    """Parts `64 * number` to `64 * number + 63` of a group.

    `counts`: what each part that is done has counted, by index. `failed`: the parts that have ended
    otherwise at least once. `size`: how many parts the group has, where this shard was told.
    """

    number: int
    counts: Mapping[int, int] = field(default_factory=dict)
    failed: frozenset[int] = frozenset()
    error: str | None = None
    size: int | None = None

    @property
    def count(self) -> int:
        """What its parts have counted so far."""
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        """How many of its parts have ended, and are not done."""
        return len(self.failed - self.counts.keys())

    def has_done(self, part: Part) -> bool:
        """Whether the part is done."""
        return part.index in self.counts

    def is_full(self, size: int | None) -> bool:
        """Whether all its parts have ended, in a group of `size` parts, if that is known."""
        ended = len(self.counts.keys() | self.failed)
        expected = SHARD_PARTS if size is None else size - SHARD_PARTS * self.number
        return ended >= min(SHARD_PARTS, expected)

    def ended(self, part: Part, end: PartEnd) -> "Shard":
        """Return the shard after the end of one of its parts."""
        match end:
            case Done(count):
                return replace(self, counts={part.index: count, **self.counts})
            case Failed(error):
                first = self.error or error[:MAX_FIRST_ERROR_LENGTH]
                return replace(self, failed=self.failed | {part.index}, error=first)
