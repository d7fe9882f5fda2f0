"""A segment: what one consumer batch says of one minute, exact under redelivery. Pure.

A segment keeps the counts of each message apart, under the message's key. A message that was
delivered twice may come in two segments, each with other messages beside it; merging counts each
key once, so that neither a whole batch nor a part of one is counted twice. What a message says of a
minute never changes, so it does not matter which of its copies is counted.

A segment is stored as

    "S2" | CRC-32 of what follows | number of messages | their keys, 16 bytes each | zlib(
        number of views |
        for each message, how many views it has | for each view, its book's number |
        the ids of the books that the segment names itself, one a line)

with numbers as 32-bit little-endian. A book's number is its place in the hour's list of books
(`books.counting.summaries`) or, for a book that the writer did not find there, `OWN` and its place
among the segment's own. A batch with 1,000 views in 1,000 messages has about 22 KB, or
18 KB without names.
"""

import hashlib
import struct
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from books.errors import UnreadableData
from books.views import View

KEY_BYTES = 16
# An item of DynamoDB holds 400 KB.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_SEGMENT_BYTES = 350_000
# From this number on, books are the segment's own.
OWN = 1 << 31
_MAGIC = b"S2"
_HEAD = struct.Struct("<2sII")
_BODY = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """What one message says of one minute: views by book."""

    key: bytes
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """A decoded segment, by columns: message `keys[i]` has the next `sizes[i]` of the numbers."""

    keys: Sequence[bytes]
    sizes: Sequence[int]
    numbers: Sequence[int]
    own_books: Sequence[str]

    @property
    def needs_list(self) -> bool:
        """Whether it counts books that only the hour's list can name."""
        return any(number < OWN for number in self.numbers)


def message_key(message_id: str) -> bytes:
    """Return the key of a message: 128 bits, so that no two messages share one in practice."""
    return hashlib.blake2b(message_id.encode(), digest_size=KEY_BYTES).digest()


def by_minute(messages: Iterable[tuple[str, Sequence[View]]]) -> dict[int, list[MessageCounts]]:
    """Return what the messages, given as id and views, say of each minute they touch."""
    minutes: dict[int, dict[bytes, dict[str, int]]] = {}
    # By key: a batch may hold a message twice.
    for key, views in {message_key(one): views for one, views in messages}.items():
        for view in views:
            counts = minutes.setdefault(view.minute, {}).setdefault(key, {})
            counts[view.book] = counts.get(view.book, 0) + 1
    return {
        minute: [MessageCounts(key, counts) for key, counts in said.items()]
        for minute, said in minutes.items()
    }


def segment_id(messages: Iterable[MessageCounts]) -> str:
    """Return the id of the segment of these messages: a batch delivered again has the same."""
    keys = b"".join(sorted(message.key for message in messages))
    return hashlib.blake2b(keys, digest_size=KEY_BYTES).hexdigest()


def split(messages: Sequence[MessageCounts]) -> Iterator[list[MessageCounts]]:
    """Part the messages of one minute into segments that fit an item each."""
    part: list[MessageCounts] = []
    size = 0
    for message in messages:
        # Uncompressed and with every name, so that the estimate is never too small.
        books = sum(len(book) + 1 + 4 * count for book, count in message.counts.items())
        length = KEY_BYTES + 4 + books
        if part and size + length > MAX_SEGMENT_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    if part:
        yield part


def encode(
    messages: Sequence[MessageCounts], known: Mapping[str, int] = MappingProxyType({})
) -> bytes:
    """Return the stored form of a segment; `known` are places in the hour's list of books."""
    own: dict[str, int] = {}
    numbers = array("I")
    for message in messages:
        for book, count in message.counts.items():
            number = known.get(book)
            if number is None:
                number = OWN + own.setdefault(book, len(own))
            numbers.extend([number] * count)
    sizes = array("I", [sum(message.counts.values()) for message in messages])
    body = zlib.compress(
        _BODY.pack(len(numbers)) + sizes.tobytes() + numbers.tobytes() + "\n".join(own).encode()
    )
    content = b"".join([*(message.key for message in messages), body])
    return _HEAD.pack(_MAGIC, zlib.crc32(content), len(messages)) + content


def decode(data: bytes) -> Segment:
    """Read a stored segment.

    Raises:
        UnreadableData: it is damaged or no segment of this version.
    """
    try:
        return _decode(data)
    except (struct.error, zlib.error, ValueError):
        raise UnreadableData from None


def _decode(data: bytes) -> Segment:
    magic, checksum, messages = _HEAD.unpack_from(data)
    content = memoryview(data)[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(content) != checksum:
        raise ValueError("damaged")
    keys = bytes(content[: messages * KEY_BYTES])
    body = zlib.decompress(content[messages * KEY_BYTES :])
    (views,) = _BODY.unpack_from(body)
    rest = memoryview(body)[_BODY.size :]
    own = bytes(rest[4 * (messages + views) :]).decode()
    return Segment(
        keys=[keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)],
        sizes=_numbers(rest[: 4 * messages]),
        numbers=_numbers(rest[4 * messages : 4 * (messages + views)]),
        own_books=own.split("\n") if own else [],
    )


def _numbers(data: memoryview) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(data)
    return numbers


class Merge:
    """Merges segments of one minute into counts, each message once.

    `by_number`: views of the books in the hour's list, by their places; `by_name`: of the others. A
    book that came into the list meanwhile may have views in both.
    """

    def __init__(self) -> None:
        self.by_number: Counter[int] = Counter()
        self.by_name: dict[str, int] = {}
        self._seen: set[bytes] = set()

    def add(self, segment: Segment) -> None:
        """Count what the segment's messages say, except for messages that are counted already."""
        if self._seen.isdisjoint(segment.keys):
            self._count(segment.numbers, segment.own_books)
        else:
            self._count_unseen(segment)
        self._seen.update(segment.keys)

    def _count_unseen(self, segment: Segment) -> None:
        start = 0
        for key, size in zip(segment.keys, segment.sizes, strict=True):
            end = start + size
            if key not in self._seen:
                self._count(segment.numbers[start:end], segment.own_books)
            start = end

    def _count(self, numbers: Sequence[int], own_books: Sequence[str]) -> None:
        # Counting numbers is several times as fast as counting names: it is done in C throughout.
        self.by_number.update(numbers)
        # The same numbers stand for other books in the next segment.
        for number, book in enumerate(own_books, OWN):
            count = self.by_number.pop(number, 0)
            if count:
                self.by_name[book] = self.by_name.get(book, 0) + count
