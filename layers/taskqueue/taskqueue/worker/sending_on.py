"""Sends messages on that came before their time, each once more and no copy of it twice."""

from dataclasses import replace
from typing import TYPE_CHECKING

from taskqueue.errors import MessageTooLarge
from taskqueue.message import sent_on
from taskqueue.records.hop import Hop
from taskqueue.sending.sender import SendAgain

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore
    from taskqueue.sending.sender import Sender
    from taskqueue.worker.delivery import Delivery


def next_sending(
    delivery: "Delivery", store: "TaskStore", sender: "Sender", now_ms: int
) -> SendAgain | None:
    """Return what is sent of a message that came before its time; None where a copy goes on.

    Raises:
        StoreError: it is not known whether a copy goes on.
    """
    message = delivery.message
    again = SendAgain(message, delivery.body)
    if not sender.goes_by_hops(again, now_ms):
        return again
    number = message.hop + 1
    try:
        body = sent_on(delivery.body, number)
    except MessageTooLarge:
        # There is no room for a number, without which its copies are not told apart.
        return again
    if not store.take_hop(Hop(message, number, delivery.message_id), now_ms):
        return None
    return SendAgain(replace(message, hop=number), body)
