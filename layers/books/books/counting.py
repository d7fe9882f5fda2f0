"""Counts the views of a window: folded minutes by their summaries, the others by their segments.

Some seconds after its end a minute is folded: its segments are merged into one summary, and the
minute's head points to it. The head also counts how many segments have arrived. Each segment is
written first and counted afterwards, so a summary covers at least the segments that the head had
counted before they were read; the fold keeps that number as `covered`. Where the head has counted
more since, the summary may lack a segment, and the minute is counted and folded from its segments
again.

Segments are never changed, and deleted only long after their window. So a crash loses nothing at
any point, and neither do two that fold at once: each writes a summary of its own, and the head
points to one of them, when it is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from books import summaries
from books.errors import UnreadableData
from books.ranking import Window
from books.segments import Merge, Segment, decode
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
    """Where segments, summaries and heads are kept.

    Reads are strongly consistent: they find what a finished write has written. Only `known_books`
    may be a little behind. Every method may raise `StoreError` or `Throttled`.
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
        """Point the minute's head to a summary, unless it points to one that covers more.

        Nothing is written for a minute that has no head.
        """
        ...

    def summaries(self, heads: Sequence[Head]) -> Mapping[int, bytes]:
        """Return the summaries by minute; one of which a piece is missing is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """The views of a window.

    `left_out`: how many segments are not counted, since they cannot be read. `unreadable`: the ids
    of those that were found by this count, and not by an earlier fold.
    """

    counts: Mapping[str, int]
    left_out: int
    unreadable: Sequence[str]
    minutes_folded: int


class _Count:
    """One count of a window, list of books by list of books."""

    def __init__(self, store: ViewStore, now_ms: int) -> None:
        self._store = store
        self._now_ms = now_ms
        self.parts: list[Mapping[str, int]] = []
        self.left_out = 0
        self.unreadable: list[str] = []
        self.minutes_folded = 0

    def add(self, list_number: int, heads: Sequence[Head]) -> None:
        """Add the minutes that go by one list of books."""
        column = summaries.Column()
        loose: list[Mapping[str, int]] = []
        folded = self._add_summaries(heads, column)
        merged = {head: self._merge(head) for head in heads if head.minute not in folded}
        try:
            books = _joined(self._store.books(list_number))
            for head, merge in merged.items():
                if self._is_closed(head):
                    books = self._fold(head, merge, books, column)
                else:
                    column.add(summaries.column_of(merge.by_number, {}, books))
                    loose.append(merge.by_name)
            self.parts += [column.counts(books), *loose]
        except UnreadableData:
            self._add_named(heads)
        else:
            self.left_out += sum(folded.values()) + sum(len(m.unreadable) for m in merged.values())
            self.unreadable += [name for merge in merged.values() for name in merge.unreadable]

    def _add_summaries(self, heads: Sequence[Head], column: summaries.Column) -> dict[int, int]:
        """Add the summaries; return by minute how many segments each left out."""
        found = self._store.summaries([head for head in heads if head.is_folded])
        folded: dict[int, int] = {}
        for head in heads:
            if head.fold is None or not head.is_folded:
                continue
            try:
                column.add(summaries.decode(found.get(head.minute, b"")))
            except UnreadableData:
                continue
            folded[head.minute] = head.fold.left_out
        return folded

    def _merge(self, head: Head) -> "_Merged":
        merged = _Merged()
        for segment in self._store.segments(head.minute):
            try:
                merged.add(decode(segment.data))
            except UnreadableData:
                self._store.set_aside(segment)
                merged.unreadable.append(segment.id)
        return merged

    def _is_closed(self, head: Head) -> bool:
        return (head.minute + 1) * MINUTE_MS + FOLD_AFTER_MS <= self._now_ms

    def _fold(
        self, head: Head, merged: "_Merged", books: list[str], column: summaries.Column
    ) -> list[str]:
        """Fold a minute and add its column; return the list of books with those it brought."""
        books = _with(self._store, summaries.list_of(head.minute), books, merged.by_name)
        counts = summaries.column_of(merged.by_number, merged.by_name, books)
        pieces = summaries.pieces(summaries.encode(counts))
        fold_id = self._store.write_summary(head.minute, pieces)
        fold = Fold(fold_id, len(pieces), head.arrivals, len(merged.unreadable))
        self._store.point(head.minute, fold)
        self.minutes_folded += 1
        column.add(counts)
        return books

    def _add_named(self, heads: Sequence[Head]) -> None:
        """Count what can be counted though the list of books is damaged: what needs no list."""
        for head in heads:
            merged = _Merged()
            for segment in self._store.segments(head.minute):
                try:
                    merged.add_named(decode(segment.data))
                except UnreadableData:
                    merged.unreadable.append(segment.id)
            self.parts.append(merged.by_name)
            self.left_out += len(merged.unreadable)
            self.unreadable += merged.unreadable


class _Merged(Merge):
    """A merged minute and the segments that it lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.unreadable: list[str] = []

    def add_named(self, segment: Segment) -> None:
        """Count a segment that names all its books.

        Raises:
            UnreadableData: it does not.
        """
        if segment.needs_list:
            raise UnreadableData
        self.add(segment)


def count(store: ViewStore, window: Window, now_ms: int) -> Counted:
    """Count the views of a window, and fold those of its minutes that are closed."""
    by_list: dict[int, list[Head]] = {}
    for head in store.heads(window.minutes):
        by_list.setdefault(summaries.list_of(head.minute), []).append(head)
    counted = _Count(store, now_ms)
    for list_number, heads in by_list.items():
        counted.add(list_number, heads)
    return Counted(
        summaries.add_up(counted.parts),
        counted.left_out,
        counted.unreadable,
        counted.minutes_folded,
    )


def _with(store: ViewStore, list_number: int, books: list[str], names: Iterable[str]) -> list[str]:
    """Return the list of books after adding those of `names` that it lacks."""
    wanted = list(summaries.book_pieces(summaries.missing(names, books)))
    while wanted:
        stored = store.books(list_number)
        books = _joined(stored)
        wanted = list(summaries.book_pieces(summaries.missing(names, books)))
        for number, piece in enumerate(wanted, len(stored)):
            if not store.add_books(list_number, number, summaries.encode_books(piece)):
                break  # another fold added books meanwhile: look again which are missing
            books += piece
        else:
            return books
    return books


def _joined(pieces: Iterable[bytes]) -> list[str]:
    return [book for piece in pieces for book in summaries.decode_books(piece)]
