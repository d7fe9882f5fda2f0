"""Which publish of a task a message is of. No I/O.

A client may publish a task again under its id, and then it runs again, as in Celery. All copies of
one publish have one `delivery_tag`, which kombu makes for each. The record has a hash of the tag by
which the task runs or has run last, and those of the publishes before.

Publishes are numbered from 0, and each has a range of turns: so a message of an earlier publish is
one of an earlier turn, and does nothing. A message that a worker or a redrive has sent says its
turn itself; of one that was published only the record can tell it.
"""

import hashlib
from dataclasses import replace
from typing import NamedTuple

from taskqueue.message import MAX_TURN, TURNS_OF_A_PUBLISH, Message

_HASH_BYTES = 8
# So many hashes of earlier publishes a record keeps: half a KB.
_KEPT = 64


class Publishes(NamedTuple):
    """What a record says of its task's publishes.

    `turn`: the turn that it is in. `last`: the hash of the publish that this turn is of; None in a
    record of before there were any. `earlier`: the hashes of those before, the oldest first.
    """

    turn: int = 0
    last: bytes | None = None
    earlier: bytes = b""

    @property
    def number(self) -> int:
        """The number of the record's publish."""
        return number_of_turn(self.turn)

    def number_of(self, message: Message) -> int:
        """Return the number of the publish that a message is of, which may be the next."""
        if message.publish is None:
            return number_of_turn(message.turn)
        known = publish_hash(message)
        if self.last is None or known == self.last:
            return self.number
        hashes = [
            self.earlier[at : at + _HASH_BYTES] for at in range(0, len(self.earlier), _HASH_BYTES)
        ]
        if known in hashes:
            return max(0, self.number - len(hashes) + hashes.index(known))
        return self.number + 1

    def is_next(self, message: Message) -> bool:
        """Whether a message is of a publish that comes after the record's."""
        return self.number_of(message) > self.number

    def before_next(self) -> bytes:
        """Return the hashes of the earlier publishes, when the last one is one of them."""
        return (self.earlier + (self.last or b""))[-_KEPT * _HASH_BYTES :]


def number_of_turn(turn: int) -> int:
    """Return the number of the publish that a turn is of."""
    return turn // TURNS_OF_A_PUBLISH


def first_turn(number: int) -> int:
    """Return the first turn of the publish of that number."""
    return number * TURNS_OF_A_PUBLISH


def publish_hash(message: Message) -> bytes:
    """Return what a record keeps of the publish that a message is of."""
    tag = message.publish or message.id
    return hashlib.sha256(tag.encode()).digest()[:_HASH_BYTES]


def sent_by(after: int | None, publish: bytes) -> str:
    """Return what tells the sendings of a turn apart: their attempt, or else their publish."""
    return str(after or publish.hex())


def of_publish(message: Message, number: int) -> Message:
    """Return a message that says its turn, given the number of its publish."""
    if message.publish is None:
        return message
    turn = first_turn(number) + min(message.turn, TURNS_OF_A_PUBLISH - 1)
    return replace(message, turn=min(turn, MAX_TURN), publish=None)
