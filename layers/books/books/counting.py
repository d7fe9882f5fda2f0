"""Counts the views of a window: summaries of folded minutes, segments of the others.

A minute is folded once it is closed: its segments are merged into one summary, to which the
minute's head then points. The head also counts arrivals: each segment is written first, and counted
after. So a summary that was made when the head said `arrivals` covers at least the segments that
had been counted by then, and one whose `covered` is not the head's `arrivals` may lack a segment:
such a minute is counted, and folded, from its segments again. Segments are never changed and only
deleted long after their window, so nothing is lost by a crash at any point, nor by several that
fold at once: each writes its own summary, and the head points to one that is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from books import summaries
from books.errors import UnreadableData
from books.ranking import Window
from books.segments import Merge, decode
from books.views import MINUTE_MS

# Late segments are rare after so long; each costs its minute another fold.
FOLD_AFTER_MS = 10_000


@dataclass(frozen=True, slots=True)
class Fold:
    """Which summary stands for a minute, and what it covers.

    `covered`: the head's arrivals when the segments were read. `left_out`: how many segments could
    not be read.
    """

    id: str
    pieces: int
    covered: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a minute: how many segments arrived, and its summary, if it has one."""

    minute: int
    arrivals: int
    fold: Fold | None = None

    @property
    def is_folded(self) -> bool:
        """Whether the summary covers every segment that was counted."""
        return self.fold is not None and self.fold.covered == self.arrivals


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment as it is stored."""

    minute: int
    id: str
    data: bytes


class ViewStore(Protocol):
    """Segments, summaries and heads. Reads see every write that was answered before.

    Every method may raise `StoreError` or `Throttled`.
    """

    def append(self, segment: StoredSegment) -> None:
        """Write a segment, then count its arrival."""
        ...

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        """Return the heads of those minutes that have one."""
        ...

    def segments(self, minute: int) -> Iterable[StoredSegment]:
        """Return the minute's segments."""
        ...

    def set_aside(self, segment: StoredSegment) -> None:
        """Keep a copy of a segment that cannot be read, for as long as it takes to look at it."""
        ...

    def books(self, list_number: int) -> list[bytes]:
        """Return the pieces of a list of books, in order."""
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


@dataclass(frozen=True, slots=True)
class Counted:
    """The views of a window. `unreadable`: the ids of the segments that were left out anew."""

    counts: Mapping[str, int]
    left_out: int
    unreadable: Sequence[str]
    minutes_folded: int


@dataclass
class _Tally:
    parts: list[Mapping[str, int]] = field(default_factory=list)
    left_out: int = 0
    unreadable: list[str] = field(default_factory=list)
    minutes_folded: int = 0


def count(store: ViewStore, window: Window, now_ms: int) -> Counted:
    """Count the views of a window, and fold those of its minutes that are closed."""
    tally = _Tally()
    heads = store.heads(window.minutes)
    by_list: dict[int, list[Head]] = {}
    for head in heads:
        if head.is_folded:
            by_list.setdefault(summaries.list_of(head.minute), []).append(head)
    counted: set[int] = set()
    for list_number, folded in by_list.items():
        counted |= _add_summaries(store, list_number, folded, tally)
    for head in heads:
        if head.minute not in counted:
            _add_segments(store, head, now_ms, tally)
    return Counted(
        summaries.add_up(tally.parts), tally.left_out, tally.unreadable, tally.minutes_folded
    )


def _add_summaries(
    store: ViewStore, list_number: int, heads: Sequence[Head], tally: _Tally
) -> set[int]:
    """Add the summaries that go by one list of books; return the minutes that are counted."""
    found = store.summaries(heads)
    column = summaries.Column()
    left_out: dict[int, int] = {}
    for head in heads:
        try:
            column.add(summaries.decode(found.get(head.minute, b"")))
        except UnreadableData:
            continue
        left_out[head.minute] = head.fold.left_out if head.fold else 0
    try:
        tally.parts.append(column.counts(_books(store, list_number)))
    except UnreadableData:
        return set()
    tally.left_out += sum(left_out.values())
    return set(left_out)


def _add_segments(store: ViewStore, head: Head, now_ms: int, tally: _Tally) -> None:
    merge = Merge()
    unreadable = []
    for segment in store.segments(head.minute):
        try:
            merge.add(decode(segment.data))
        except UnreadableData:
            store.set_aside(segment)
            unreadable.append(segment.id)
    tally.parts.append(merge.counts)
    tally.left_out += len(unreadable)
    tally.unreadable.extend(unreadable)
    if (head.minute + 1) * MINUTE_MS + FOLD_AFTER_MS <= now_ms:
        tally.minutes_folded += _fold(store, head, merge.counts, len(unreadable))


def _fold(store: ViewStore, head: Head, counts: Mapping[str, int], left_out: int) -> bool:
    """Write the summary of a minute and point its head to it; False where that cannot be."""
    try:
        books = _books_with(store, summaries.list_of(head.minute), counts)
    except UnreadableData:
        return False
    parts = summaries.pieces(summaries.encode(counts, books))
    fold_id = store.write_summary(head.minute, parts)
    store.point(head.minute, Fold(fold_id, len(parts), head.arrivals, left_out))
    return True


def _books_with(store: ViewStore, list_number: int, counts: Mapping[str, int]) -> list[str]:
    """Return the list of books after adding those of `counts` that it lacks."""
    while True:
        stored = store.books(list_number)
        books = _joined(stored)
        wanted = list(summaries.book_pieces(summaries.missing(counts, books)))
        for number, piece in enumerate(wanted, len(stored)):
            if not store.add_books(list_number, number, summaries.encode_books(piece)):
                break  # another fold added books meanwhile: look again which are missing
            books += piece
        else:
            return books


def _books(store: ViewStore, list_number: int) -> list[str]:
    return _joined(store.books(list_number))


def _joined(pieces: Iterable[bytes]) -> list[str]:
    return [book for piece in pieces for book in summaries.decode_books(piece)]
