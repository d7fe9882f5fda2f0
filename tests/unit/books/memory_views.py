"""The views' store in memory; the contract suite holds it to what the table does."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from books.counting import Fold, Head, StoredSegment
from books.summaries import decode_books


def _nothing() -> None: ...


@dataclass
class MemoryViewStore:
    """`before` is called before every single write and read, so a test can come in between."""

    before: Callable[[], None] = _nothing
    kept: dict[int, dict[str, bytes]] = field(default_factory=dict)
    aside: dict[str, bytes] = field(default_factory=dict)
    arrivals: dict[int, int] = field(default_factory=dict)
    folds: dict[int, Fold] = field(default_factory=dict)
    written: dict[tuple[int, str], Sequence[bytes]] = field(default_factory=dict)
    lists: dict[tuple[int, int], bytes] = field(default_factory=dict)
    segments_read: int = 0

    def append(self, segment: StoredSegment) -> None:
        self.before()
        self.kept.setdefault(segment.minute, {})[segment.id] = segment.data
        self.before()
        self.arrivals[segment.minute] = self.arrivals.get(segment.minute, 0) + 1

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        self.before()
        return [
            Head(minute, self.arrivals[minute], self.folds.get(minute))
            for minute in minutes
            if minute in self.arrivals
        ]

    def segments(self, minute: int) -> Iterable[StoredSegment]:
        self.before()
        found = [StoredSegment(minute, *item) for item in self.kept.get(minute, {}).items()]
        self.segments_read += len(found)
        return found

    def set_aside(self, segment: StoredSegment) -> None:
        self.before()
        self.aside[segment.id] = segment.data

    def books(self, list_number: int) -> list[bytes]:
        self.before()
        return [data for (number, _), data in sorted(self.lists.items()) if number == list_number]

    def known_books(self, list_number: int) -> Mapping[str, int]:
        pieces = map(decode_books, self.books(list_number))
        return {book: place for place, book in enumerate(chain.from_iterable(pieces))}

    def add_books(self, list_number: int, piece_number: int, data: bytes) -> bool:
        self.before()
        if (list_number, piece_number) in self.lists:
            return False
        self.lists[list_number, piece_number] = data
        return True

    def write_summary(self, minute: int, pieces: Sequence[bytes]) -> str:
        fold_id = uuid.uuid4().hex
        self.before()
        self.written[minute, fold_id] = list(pieces)
        return fold_id

    def point(self, minute: int, fold: Fold) -> None:
        self.before()
        if minute not in self.folds or self.folds[minute].covered <= fold.covered:
            self.folds[minute] = fold

    def summaries(self, heads: Sequence[Head]) -> Mapping[int, bytes]:
        self.before()
        return {
            head.minute: b"".join(self.written[head.minute, head.fold.id])
            for head in heads
            if head.fold and (head.minute, head.fold.id) in self.written
        }
