"""The views' store in memory; the contract suite holds it to what the table does."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from books.counting.minutes import Fold, Head, StoredSegment
from books.counting.summaries import decode_books

SHARDS = ("0", "1", "2")


def _nothing() -> None: ...


@dataclass
class MemoryViewStore:
    """`before` is called before every single write and read, so a test can come in between.

    A minute's shards are read one after the other, as a request for many items reads them.
    """

    before: Callable[[], None] = _nothing
    kept: dict[tuple[int, str], dict[str, bytes]] = field(default_factory=dict)
    aside: dict[str, bytes] = field(default_factory=dict)
    arrivals: dict[tuple[int, str], int] = field(default_factory=dict)
    folds: dict[int, Fold] = field(default_factory=dict)
    written: dict[tuple[int, str], Sequence[bytes]] = field(default_factory=dict)
    lists: dict[tuple[int, int], bytes] = field(default_factory=dict)
    segments_read: int = 0

    def append(self, segment: StoredSegment) -> None:
        place = (segment.minute, SHARDS[sum(segment.id.encode()) % len(SHARDS)])
        self.before()
        self.kept.setdefault(place, {})[segment.id] = segment.data
        self.before()
        self.arrivals[place] = self.arrivals.get(place, 0) + 1

    def heads(self, minutes: Iterable[int]) -> list[Head]:
        minutes = sorted(minutes)
        arrivals: dict[int, dict[str, int]] = {}
        for shard in SHARDS:
            self.before()
            for minute in minutes:
                if (minute, shard) in self.arrivals:
                    arrivals.setdefault(minute, {})[shard] = self.arrivals[minute, shard]
        found = [minute for minute in minutes if minute in arrivals]
        return [Head(minute, arrivals[minute], self.folds.get(minute)) for minute in found]

    def segments(self, head: Head) -> Iterator[StoredSegment]:
        for shard in head.arrivals:
            self.before()
            for id, data in list(self.kept.get((head.minute, shard), {}).items()):
                self.segments_read += 1
                yield StoredSegment(head.minute, id, data)

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
