"""Counts the views of a window: folded minutes by their summaries, the others by their segments.

Some seconds after its end a minute is folded: its segments are merged into one summary, and the
minute's head points to it. Minutes are folded one by one, and each is saved before the next is
begun. So a count that ends early, by a crash, a time limit or a throttled table, leaves less to do
for the one that follows.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from books.counting import summaries
from books.counting.minutes import Fold, Head, ViewStore
from books.counting.segments import Merge, Segment, decode
from books.errors import UnreadableData
from books.ranking import Window
from books.views import MINUTE_MS

# Late segments are rare after so long; each costs its minute another fold.
FOLD_AFTER_MS = 10_000


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


def count(store: ViewStore, window: Window, now_ms: int) -> Counted:
    """Count the views of a window, and fold those of its minutes that are closed.

    Raises:
        StoreError, Throttled: a request failed; the minutes that were folded by then stay folded.
    """
    heads = store.heads(window.minutes)
    by_list = itertools.groupby(heads, key=lambda head: summaries.list_of(head.minute))
    hours = [_count_hour(store, number, list(group), now_ms) for number, group in by_list]
    return Counted(
        summaries.add_up(hour.counts for hour in hours),
        sum(hour.left_out for hour in hours),
        [segment_id for hour in hours for segment_id in hour.unreadable],
        sum(hour.minutes_folded for hour in hours),
    )


def _count_hour(store: ViewStore, list_number: int, heads: Sequence[Head], now_ms: int) -> Counted:
    """Count the minutes that go by one list of books."""
    hour = _Hour(store, list_number)
    try:
        for head in hour.add_summaries(heads):
            if _is_closed(head, now_ms):
                hour.fold(head)
            else:
                hour.add_open(head)
        return hour.counted()
    except UnreadableData:
        return _counted_by_name(store, heads)


def _is_closed(head: Head, now_ms: int) -> bool:
    return (head.minute + 1) * MINUTE_MS + FOLD_AFTER_MS <= now_ms


class _Hour:
    """The count of minutes that go by one list of books.

    Its methods raise `UnreadableData` when the list is damaged.
    """

    def __init__(self, store: ViewStore, list_number: int) -> None:
        self._store = store
        self._list_number = list_number
        self._books = summaries.BookList()
        self._column = summaries.Column()
        self._open: list[Mapping[str, int]] = []
        self._left_out = 0
        self._unreadable: list[str] = []
        self._minutes_folded = 0

    def add_summaries(self, heads: Sequence[Head]) -> Sequence[Head]:
        """Add the folded minutes; return the others, with those whose summary cannot be read."""
        found = self._store.summaries([head for head in heads if head.is_folded])
        others: list[Head] = []
        for head in heads:
            if head.fold is None or not head.is_folded:
                others.append(head)
                continue
            try:
                self._column.add(summaries.decode(found.get(head.minute, b"")))
                self._left_out += head.fold.left_out
            except UnreadableData:
                others.append(head)
        self._read_books()
        return others

    def fold(self, head: Head) -> None:
        """Add a closed minute, and save its summary."""
        merged, left_out = self._merge(head)
        self._add_books(merged.by_name)
        column = summaries.column_of(merged.by_number, merged.by_name, self._books)
        pieces = summaries.pieces(summaries.encode(column))
        summary_id = self._store.write_summary(head.minute, pieces)
        fold = Fold(summary_id, len(pieces), head.arrived, left_out)
        self._store.point(head.minute, fold)
        self._minutes_folded += 1
        self._column.add(column)

    def add_open(self, head: Head) -> None:
        """Add a minute that is not closed yet."""
        merged, _ = self._merge(head)
        self._column.add(summaries.column_of(merged.by_number, {}, self._books))
        self._open.append(merged.by_name)

    def counted(self) -> Counted:
        """Return the count of the minutes that were added."""
        counts = summaries.add_up([self._column.counts(self._books.names), *self._open])
        return Counted(counts, self._left_out, self._unreadable, self._minutes_folded)

    def _merge(self, head: Head) -> tuple[Merge, int]:
        """Merge the segments of a minute; return with it how many of them cannot be read."""
        merged = Merge()
        unreadable: list[str] = []
        for segment in self._store.segments(head):
            try:
                merged.add(decode(segment.data))
            except UnreadableData:
                self._store.set_aside(segment)
                unreadable.append(segment.id)
        self._unreadable += unreadable
        self._left_out += len(unreadable)
        if max(merged.by_number, default=-1) >= len(self._books):
            # Another ranking added books meanwhile, and a consumer went by them.
            self._read_books()
        return merged, len(unreadable)

    def _read_books(self) -> int:
        """Read the list of books; return of how many pieces it is."""
        stored = self._store.books(self._list_number)
        self._books = summaries.BookList(
            itertools.chain.from_iterable(map(summaries.decode_books, stored))
        )
        return len(stored)

    def _add_books(self, names: Collection[str]) -> None:
        """Add those of `names` to the list of books that it lacks."""
        while self._books.missing(names):
            pieces_read = self._read_books()
            wanted = summaries.book_pieces(self._books.missing(names))
            for number, piece in enumerate(wanted, pieces_read):
                data = summaries.encode_books(piece)
                if not self._store.add_books(self._list_number, number, data):
                    break  # another ranking added books meanwhile: look again which are missing
                self._books.extend(piece)


def _counted_by_name(store: ViewStore, heads: Sequence[Head]) -> Counted:
    """Count what can be counted though the list of books is damaged: what needs no list."""
    parts: list[Mapping[str, int]] = []
    unreadable: list[str] = []
    for head in heads:
        merged = Merge()
        for segment in store.segments(head):
            try:
                merged.add(_needing_no_list(decode(segment.data)))
            except UnreadableData:
                unreadable.append(segment.id)
        parts.append(merged.by_name)
    return Counted(summaries.add_up(parts), len(unreadable), unreadable, 0)


def _needing_no_list(segment: Segment) -> Segment:
    if segment.needs_list:
        raise UnreadableData("the segment goes by a list of books that is damaged")
    return segment
