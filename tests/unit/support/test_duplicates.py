"""Which messages are sent twice."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.duplicates import Duplicator


class _Sqs:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def send_message(self, **request: Any) -> None:
        self.sent.append(request["MessageBody"])


@given(sizes=st.lists(st.integers(1, 10), max_size=20), every=st.integers(1, 12))
def test_every_nth_message_is_copied_whatever_the_batches(sizes: list[int], every: int) -> None:
    sqs = _Sqs()
    duplicator = Duplicator(sqs, every)
    bodies: list[str] = []
    for size in sizes:
        batch = [str(len(bodies) + index) for index in range(size)]
        bodies += batch
        entries = [{"MessageBody": body} for body in batch]
        duplicator.observe("SendMessageBatch", {"QueueUrl": "q", "Entries": entries})
    duplicator.observe("SendMessage", {"QueueUrl": "q", "MessageBody": "single"})
    bodies.append("single")
    assert sqs.sent == bodies[every - 1 :: every]
    assert (duplicator.sent, duplicator.copied) == (len(bodies), len(sqs.sent))
