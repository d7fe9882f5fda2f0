"""The notifications queue, seen past the task queue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.waiting import until

_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


@dataclass(frozen=True)
class RawQueue:
    """An SQS queue."""

    sqs: Any
    url: str

    @classmethod
    def of(cls, stack: Stack) -> RawQueue:
        """The notifications queue of a stack."""
        return cls(stack.client("sqs"), stack.outputs["notificationsQueueUrl"])

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return self._attributes(["QueueArn"])["QueueArn"]

    def send(self, bodies: Sequence[str]) -> None:
        """Send bodies in one request, so that one batch of the worker has them all.

        Raises:
            ToolError: SQS did not take them.
        """
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        sent = self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)
        if sent.get("Failed"):
            raise ToolError(f"{len(sent['Failed'])} messages were not sent")

    def count(self) -> int:
        """How many messages are on the queue, hidden and delayed ones included."""
        return sum(map(int, self._attributes(_COUNTS).values()))

    def wait_until_empty(self, seconds: float = 40) -> None:
        """Wait until no message is on the queue, hidden and delayed ones included.

        Raises:
            ToolError: some still are.
        """
        until(lambda: self.count() == 0, "the queue is empty", seconds)

    @contextmanager
    def attributes(self, **attributes: str) -> Iterator[None]:
        """With other attributes, such as `VisibilityTimeout`; as before afterwards."""
        names = list(attributes)
        before = self._attributes(names)
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)
        try:
            yield
        finally:
            self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes=before)

    def redrive_policy(self, max_receive_count: int) -> str:
        """The queue's redrive policy with another number of deliveries."""
        policy = json.loads(self._attributes(["RedrivePolicy"])["RedrivePolicy"])
        return json.dumps({**policy, "maxReceiveCount": max_receive_count})

    def _attributes(self, names: list[str]) -> dict[str, str]:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        attributes: dict[str, str] = answer["Attributes"]
        return attributes
