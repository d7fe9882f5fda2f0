"""What is stored of each minute of views, and the protocol of its store.

A minute's segments are spread over shards, and each shard counts how many have arrived in it. Each
segment is written first and counted afterwards, so a summary covers at least the segments that had
been counted before they were read; its fold keeps their number as `covered`. Where more have been
counted since, the summary may lack a segment, and the minute is counted and folded from its
segments again. The sum over the shards is enough to tell, since each of them only grows.

Segments are never changed, and deleted only long after their window. So a crash loses nothing at
any point, and neither do two that fold at once: each writes a summary of its own, and the head
points to one of them, when it is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fold:
    """Which summary stands for a minute, and what it covers.

    `covered`: what had arrived when the segments were read. `left_out`: how many segments could not
    be read.
    """

    id: str
    pieces: int
    covered: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a minute: how many segments arrived, and its summary, if it has one.

    `arrivals`: the number of each shard that has any, by the shard's name.
    """

    minute: int
    arrivals: Mapping[str, int]
    fold: Fold | None = None

    @property
    def arrived(self) -> int:
        """How many segments arrived; one that was written twice is counted twice."""
        return sum(self.arrivals.values())

    @property
    def is_folded(self) -> bool:
        """Whether the summary covers every segment that was counted."""
        return self.fold is not None and self.fold.covered == self.arrived


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment as it is stored."""

    minute: int
    id: str
    data: bytes


class ViewStore(Protocol):
    """Where segments, summaries and heads are kept.

    Reads are strongly consistent: they find what a finished write has written. Only `known_books`
    may be a little behind. Every method may raise `StoreError` or `Throttled`.
    """

    def append(self, segment: StoredSegment) -> None:
        """Write a segment, then count its arrival."""
        ...

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        """Return the heads of those minutes that have segments, in their order."""
        ...

    def segments(self, head: Head) -> Iterable[StoredSegment]:
        """Return the segments of the head's shards."""
        ...

    def set_aside(self, segment: StoredSegment) -> None:
        """Keep a copy of a segment that cannot be read, for as long as it takes to look at it."""
        ...

    def books(self, list_number: int) -> list[bytes]:
        """Return the pieces of a list of books, in order."""
        ...

    def known_books(self, list_number: int) -> Mapping[str, int]:
        """Return the places of books in a list, perhaps without those added most recently."""
        ...

    def add_books(self, list_number: int, piece_number: int, data: bytes) -> bool:
        """Write the next piece of a list of books; False when another wrote that number first."""
        ...

    def write_summary(self, minute: int, pieces: Sequence[bytes]) -> str:
        """Write a summary under an id of its own and return the id."""
        ...

    def point(self, minute: int, fold: Fold) -> None:
        """Point the minute's head to a summary, unless it points to one that covers more."""
        ...

    def summaries(self, heads: Sequence[Head]) -> Mapping[int, bytes]:
        """Return the summaries by minute; one of which a piece is missing is left out."""
        ...
