"""Where groups are kept: their shards, and what the whole is told."""

from collections.abc import Sequence
from typing import Protocol

from taskqueue.groups.part import Part, PartEnd
from taskqueue.groups.progress import Parts
from taskqueue.groups.shard import Shard


class GroupStore(Protocol):
    """The shards of all groups. Every method may raise `StoreError` or `Throttled`.

    What a write returns is the item as it is after it.
    """

    def finish_part(self, part: Part, end: PartEnd, now_ms: int) -> Shard:
        """Write the end of a part; return its shard."""
        ...

    def set_group_size(self, whole_id: str, size: int, now_ms: int) -> Shard:
        """Tell the last shard of a group how many parts there are, at least one; return it."""
        ...

    def tell_shard(self, whole_id: str, told: str) -> Parts | None:
        """Tell the whole of a full shard; return its parts, or None where it has planned none."""
        ...

    def shards(self, whole_id: str, numbers: Sequence[int]) -> list[Shard]:
        """Return these shards of a group, read consistently; empty ones, too."""
        ...
