"""A folded minute: its views by book as a column of numbers. Pure.

All minutes of one hour (of the clock, in UTC) share one list of books, which only ever grows; a
summary is the column of counts in the order of that list. Columns are added up as one long integer
each: 32 bits a book, so an hour is 60 additions, whatever the number of views or of books.

A summary is stored in pieces that fit an item: a CRC-32 of the column, and zlib-compressed the
lowest bytes of its 32-bit numbers, then the second ones, and so on. Most numbers are below 256, and
their zeros lie together, so a third less is stored and read. The list of books is stored as
zlib-compressed lines.
"""

import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from books.errors import UnreadableData

MINUTES_PER_LIST = 60
MAX_PIECE_BYTES = 350_000
_NUMBER_BYTES = 4
_CHECKSUM_BYTES = 4
# Fast: the many zeros of a column compress well at any level.
_LEVEL = 1


def list_of(minute: int) -> int:
    """Return the number of the list of books that a minute's summary goes by."""
    return minute // MINUTES_PER_LIST


class BookList:
    """The list of books of an hour, and the place of each in it."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = list(names)
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.names)

    def extend(self, names: Iterable[str]) -> None:
        """Add books at the end."""
        self.names.extend(names)

    @property
    def places(self) -> Mapping[str, int]:
        """The places by name, looked up only where a segment has names: it takes a while."""
        known, length = len(self._places), len(self.names)
        if known < length:
            self._places.update(zip(self.names[known:], range(known, length), strict=True))
        return self._places

    def missing(self, names: Collection[str]) -> list[str]:
        """Return those of `names` that the list lacks, in order."""
        return sorted(set(names) - self.places.keys()) if names else []


def column_of(by_number: Mapping[int, int], by_name: Mapping[str, int], books: BookList) -> bytes:
    """Return the column of counts by place in the list and by name, all of them in it.

    Raises:
        UnreadableData: a place is beyond the list's end.
    """
    column = array("I", bytes(_NUMBER_BYTES * len(books)))
    try:
        for number, count in by_number.items():
            column[number] = count
    except IndexError:
        raise UnreadableData("the list of books is shorter than a segment goes by") from None
    if by_name:
        places = books.places
        for book, count in by_name.items():
            column[places[book]] += count
    return column.tobytes()


def encode(column: bytes) -> bytes:
    """Return the summary with that column."""
    planes = b"".join(column[byte::_NUMBER_BYTES] for byte in range(_NUMBER_BYTES))
    return zlib.crc32(column).to_bytes(_CHECKSUM_BYTES) + zlib.compress(planes, _LEVEL)


def decode(data: bytes) -> bytes:
    """Return the column of a summary.

    Raises:
        UnreadableData: it is damaged or not whole.
    """
    try:
        planes = zlib.decompress(data[_CHECKSUM_BYTES:])
    except zlib.error:
        raise UnreadableData from None
    length = len(planes) // _NUMBER_BYTES
    column = bytearray(length * _NUMBER_BYTES)
    for byte in range(_NUMBER_BYTES):
        column[byte::_NUMBER_BYTES] = planes[byte * length : (byte + 1) * length]
    if zlib.crc32(column).to_bytes(_CHECKSUM_BYTES) != data[:_CHECKSUM_BYTES]:
        raise UnreadableData
    return bytes(column)


def pieces(data: bytes) -> list[bytes]:
    """Part a summary into pieces of at most `MAX_PIECE_BYTES`."""
    return [data[at : at + MAX_PIECE_BYTES] for at in range(0, len(data), MAX_PIECE_BYTES)]


class Column:
    """The sum of the columns of one list of books."""

    def __init__(self) -> None:
        self._total = 0
        self._length = 0

    def add(self, column: bytes) -> None:
        """Add the column of one minute; shorter ones were written when the list was shorter.

        A sum fits its 32 bits, since no window has 4 billion views of one book.
        """
        self._total += int.from_bytes(column, "little")
        self._length = max(self._length, len(column))

    def counts(self, books: Sequence[str]) -> dict[str, int]:
        """Return the sum by book, without the books that have none.

        Raises:
            UnreadableData: the list is shorter than a column that was added.
        """
        totals = array("I")
        totals.frombytes(self._total.to_bytes(self._length, "little"))
        if len(totals) > len(books):
            raise UnreadableData("the list of books is shorter than a summary that goes by it")
        return {book: total for book, total in zip(books, totals, strict=False) if total}


def add_up(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of several counts by book."""
    total: dict[str, int] = {}
    for part in parts:
        if not total:
            total = dict(part)
            continue
        get = total.get
        for book, count in part.items():
            total[book] = get(book, 0) + count
    return total


def encode_books(books: Sequence[str]) -> bytes:
    """Return a piece of a list of books in its stored form."""
    return zlib.compress("\n".join(books).encode())


def decode_books(data: bytes) -> list[str]:
    """Read a piece of a list of books.

    Raises:
        UnreadableData: it is damaged.
    """
    try:
        return zlib.decompress(data).decode().split("\n")
    except (zlib.error, UnicodeDecodeError):
        raise UnreadableData from None


def book_pieces(books: Sequence[str]) -> Iterator[list[str]]:
    """Part books, to be added to a list, into pieces that fit an item each."""
    piece: list[str] = []
    size = 0
    for book in books:
        if piece and size + len(book) + 1 > MAX_PIECE_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(book)
        size += len(book) + 1
    if piece:
        yield piece
