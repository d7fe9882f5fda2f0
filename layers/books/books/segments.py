"""A segment: what one consumer batch says of one minute, exact under redelivery. Pure.

A segment keeps the counts of each message apart, under the message's key. A message that was
delivered twice may come in two segments, each with other messages beside it; merging counts each
key once, so that neither a whole batch nor a part of one is counted twice. What a message says of a
minute never changes, so it does not matter which of its copies is counted.

A segment is stored as

    "S1" | CRC-32 of what follows | number of messages | their keys, 16 bytes each | zlib(
        number of books | number of counts |
        for each message, how many counts it has | for each count, its book's number | the counts |
        the books' ids, one a line)

with numbers as 32-bit little-endian: of a batch with 1,000 views in 1,000 messages about 22 KB.
"""

import hashlib
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from books.errors import UnreadableData
from books.views import View

KEY_BYTES = 16
# An item of DynamoDB holds 400 KB.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_SEGMENT_BYTES = 350_000
_MAGIC = b"S1"
_HEAD = struct.Struct("<2sII")
_BODY = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """What one message says of one minute: views by book."""

    key: bytes
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """A decoded segment, by columns: message `keys[i]` has the next `sizes[i]` of the counts."""

    keys: Sequence[bytes]
    sizes: Sequence[int]
    books: Sequence[str]
    numbers: Sequence[int]
    counts: Sequence[int]


def message_key(message_id: str) -> bytes:
    """Return the key of a message; two messages share one never in practice (128 bits)."""
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
        # Uncompressed, so that the estimate is never too small.
        length = KEY_BYTES + 4 + sum(len(book) + 9 for book in message.counts)
        if part and size + length > MAX_SEGMENT_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    if part:
        yield part


def encode(messages: Sequence[MessageCounts]) -> bytes:
    """Return the stored form of a segment."""
    numbers: dict[str, int] = {}
    column = [
        numbers.setdefault(book, len(numbers)) for message in messages for book in message.counts
    ]
    body = zlib.compress(
        _BODY.pack(len(numbers), len(column))
        + array("I", [len(message.counts) for message in messages]).tobytes()
        + array("I", column).tobytes()
        + array("I", [n for message in messages for n in message.counts.values()]).tobytes()
        + "\n".join(numbers).encode()
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
    _, column = _BODY.unpack_from(body)
    rest = memoryview(body)[_BODY.size :]
    return Segment(
        keys=[keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)],
        sizes=_numbers(rest[: 4 * messages]),
        numbers=_numbers(rest[4 * messages : 4 * (messages + column)]),
        counts=_numbers(rest[4 * (messages + column) : 4 * (messages + 2 * column)]),
        books=bytes(rest[4 * (messages + 2 * column) :]).decode().split("\n"),
    )


def _numbers(data: memoryview) -> Sequence[int]:
    numbers = array("I")
    numbers.frombytes(data)
    return numbers


class Merge:
    """Merges segments of one minute into counts by book, each message once."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._seen: set[bytes] = set()

    def add(self, segment: Segment) -> None:
        """Count what the segment's messages say, but of those counted before nothing."""
        if self._seen.isdisjoint(segment.keys):
            self._count(segment, segment.numbers, segment.counts)
        else:
            self._count_unseen(segment)
        self._seen.update(segment.keys)

    def _count_unseen(self, segment: Segment) -> None:
        start = 0
        for key, size in zip(segment.keys, segment.sizes, strict=True):
            end = start + size
            if key not in self._seen:
                self._count(segment, segment.numbers[start:end], segment.counts[start:end])
            start = end

    def _count(self, segment: Segment, numbers: Sequence[int], counts: Sequence[int]) -> None:
        total, books = self.counts, segment.books
        get = total.get
        for number, count in zip(numbers, counts, strict=True):
            book = books[number]
            total[book] = get(book, 0) + count


def merge(segments: Iterable[Segment]) -> dict[str, int]:
    """Return the views by book of one minute."""
    merged = Merge()
    for segment in segments:
        merged.add(segment)
    return merged.counts
