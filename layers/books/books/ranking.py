"""The ranking of the most viewed books. Pure.

More views come first; of books with as many views, the one whose id comes first in the order of
text.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from books.views import MINUTE_MS
from taskqueue import clock


@dataclass(frozen=True, slots=True)
class Window:
    """Whole minutes, counted since the epoch: from `first` to `last`, which is the running one."""

    first: int
    last: int

    @property
    def minutes(self) -> range:
        """The minutes in the window."""
        return range(self.first, self.last + 1)

    @property
    def start_ms(self) -> int:
        """The time of the first view that counts."""
        return self.first * MINUTE_MS

    @property
    def end_ms(self) -> int:
        """The time from which views count no longer."""
        return (self.last + 1) * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the ranking. `change`: places gained since the ranking before; None: new in it."""

    rank: int
    book: str
    views: int
    title: str | None = None
    authors: str | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most viewed books of a window, and what was seen to find them."""

    entries: Sequence[Entry]
    window: Window
    computed_at_ms: int
    views: int
    distinct_books: int
    segments_left_out: int


@dataclass(frozen=True, slots=True)
class BookInfo:
    """What the catalogue says of a book."""

    title: str
    authors: str


def window(now_ms: int, minutes: int) -> Window:
    """Return the window of that many minutes that ends with the running one."""
    last = now_ms // MINUTE_MS
    return Window(last - minutes + 1, last)


def top(counts: Mapping[str, int], size: int) -> list[Entry]:
    """Return the `size` books with most views."""
    fewest = min(heapq.nlargest(size, counts.values()), default=0)
    # Only books that can be in the list are compared by their ids: few, as a rule.
    candidates = [(-count, book) for book, count in counts.items() if count >= fewest]
    best = heapq.nsmallest(size, candidates)
    return [Entry(rank, book, -count) for rank, (count, book) in enumerate(best, 1)]


def complete(
    entries: Sequence[Entry], catalogue: Mapping[str, BookInfo], before: Ranking | None
) -> list[Entry]:
    """Return the entries with title, authors and change of rank."""
    ranks = {entry.book: entry.rank for entry in before.entries} if before else {}
    return [_complete(entry, catalogue.get(entry.book), ranks.get(entry.book)) for entry in entries]


def _complete(entry: Entry, info: BookInfo | None, rank_before: int | None) -> Entry:
    change = None if rank_before is None else rank_before - entry.rank
    if info is None:
        return replace(entry, change=change)
    return replace(entry, title=info.title, authors=info.authors, change=change)


def as_json(ranking: Ranking) -> dict[str, Any]:
    """Return the ranking as readers get it, with times in ISO 8601."""
    return {
        "books": [
            {
                "rank": entry.rank,
                "book": entry.book,
                "title": entry.title,
                "authors": entry.authors,
                "views": entry.views,
                "change": entry.change,
            }
            for entry in ranking.entries
        ],
        "window_start": clock.iso(ranking.window.start_ms),
        "window_end": clock.iso(ranking.window.end_ms),
        "computed_at": clock.iso(ranking.computed_at_ms),
        "views": ranking.views,
        "distinct_books": ranking.distinct_books,
        "segments_left_out": ranking.segments_left_out,
    }
