"""The hops of a message that waits on its queue for longer than SQS delays one: no I/O.

SQS delays by 15 minutes at most, so such a message is sent on, hop by hop, until its time. It may
be delivered twice, and both copies would be sent on, and theirs: they would double each time. So
hops are numbered, and one SQS message takes each, by a conditional write, before it is sent on. If
its worker dies in between, it comes back and takes the same hop again. Every other copy is
acknowledged.

An item of the table of records. Key `id`: `taskqueue-hops-<task id>#<turn>#<sent by>#<due_at_ms>`.

    hop       the number of the last hop that was taken
    taken_by  the id of the SQS message that took it
    ttl       when DynamoDB may remove it, in seconds
"""

from typing import NamedTuple

from taskqueue.message import Message
from taskqueue.records.publishes import publish_hash, sent_by


class Hop(NamedTuple):
    """A wish to send `message` on. `number`: from 1; `holder`: the SQS message that brought it."""

    message: Message
    number: int
    holder: str

    @property
    def due_at_ms(self) -> int:
        """When the message is due."""
        return self.message.eta_ms or 0

    @property
    def key(self) -> str:
        """The key of the item of all its hops; what is sent for another time has another."""
        by = sent_by(self.message.after, publish_hash(self.message))
        return f"taskqueue-hops-{self.message.id}#{self.message.turn}#{by}#{self.due_at_ms}"
