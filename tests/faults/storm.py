"""Everything that AWS may do at once: throttled tables, failing queues, lost answers, duplicates.

What is hit is drawn from a seed, so the same seed draws the same choices in the same order. Which
request meets which choice is up to the machine.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.faults.aws_proxy import Answer, Call
from tests.faults.refusals import (
    Chance,
    some_items_unprocessed,
    some_messages_failed,
    some_statements_throttled,
    throttled,
    unavailable,
)

# Some copies come at once, and some when the task has long been finished.
COPY_DELAYS_SECONDS = (0, 1, 3)
OUTAGE_SECONDS = 1.0

_PARTIAL: dict[str, Callable[[Call, Chance], Answer]] = {
    "BatchWriteItem": some_items_unprocessed,
    "BatchExecuteStatement": some_statements_throttled,
    "SendMessageBatch": some_messages_failed,
}
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
_SENDS = {"SendMessage", "SendMessageBatch"}


@dataclass(frozen=True)
class Rates:
    """How often what happens, from 0 to 1.

    Attributes:
        copied: messages that are sent a second time, with an SQS id of their own.
        redelivered: messages that SQS delivers a second time while a worker has them.
        throttled: writes that a table refuses, alone or within a batch.
        unsent: messages that a queue refuses, alone or within a batch.
        unanswered: requests that are carried out, and whose answer is lost.
        outage: seconds in which a table, or all queues, refuse everything.
    """

    copied: float = 0.3
    redelivered: float = 0.1
    throttled: float = 0.05
    unsent: float = 0.05
    unanswered: float = 0.01
    outage: float = 0.1


class Storm:
    """An interceptor that passes everything on before `begin` and after `end`.

    `counts`: what has happened so far, how often. `callers`: the functions that have asked for
    something, until someone takes them out.
    """

    def __init__(self, sqs: Any, dead_letter_url: str, seed: int, rates: Rates) -> None:
        self._sqs = sqs
        self._dead_letter_url = dead_letter_url
        self._seed = seed
        self._rates = rates
        self._draws: dict[str, random.Random] = {}
        self._lock = threading.Lock()
        self._began_at: float | None = None
        self.counts: Counter[str] = Counter()
        self.callers: set[str] = set()

    def begin(self) -> None:
        """Let it break loose."""
        self._began_at = time.monotonic()

    def end(self) -> None:
        """Let everything pass again."""
        self._began_at = None

    def __call__(self, call: Call) -> Answer | None:
        """Decide what becomes of a call."""
        self.callers.add(call.function)
        if self._began_at is None:
            return call.forward()
        answer = self._refused(call) or self._carried_out(call)
        if answer.is_ok:
            self._double(call)
            if self._happens("unanswered", self._rates.unanswered):
                return None
        return answer

    def _refused(self, call: Call) -> Answer | None:
        """The answer to a request that is refused as a whole."""
        if call.service == "AmazonSQS":
            is_single = call.action == "SendMessage"
            if self._is_out("queues") or (
                is_single and self._happens("unsent", self._rates.unsent)
            ):
                return unavailable()
            return None
        is_single = call.action in _WRITES
        is_out = any(self._is_out(table) for table in tables_of(call.parameters))
        if is_out or (is_single and self._happens("throttled", self._rates.throttled)):
            return throttled()
        return None

    def _carried_out(self, call: Call) -> Answer:
        if call.action not in _PARTIAL:
            return call.forward()
        kind = "unsent" if call.action in _SENDS else "throttled"
        rate = getattr(self._rates, kind)
        return _PARTIAL[call.action](call, lambda: self._happens(kind, rate))

    def _double(self, call: Call) -> None:
        if call.action in _SENDS and call.parameters["QueueUrl"] != self._dead_letter_url:
            for entry in call.parameters.get("Entries", [call.parameters]):
                self.counts["messages sent"] += 1
                if self._happens("copied", self._rates.copied):
                    self._copy(call.parameters["QueueUrl"], entry)
        elif call.action == "ChangeMessageVisibilityBatch":
            self._redeliver(call.parameters)

    def _copy(self, queue_url: str, entry: dict[str, Any]) -> None:
        kept = ("MessageBody", "MessageAttributes", "MessageGroupId")
        self._sqs.send_message(
            QueueUrl=queue_url,
            DelaySeconds=self._draw("delay").choice(COPY_DELAYS_SECONDS),
            **{name: entry[name] for name in kept if name in entry},
        )

    def _redeliver(self, parameters: dict[str, Any]) -> None:
        """Let SQS deliver messages again that a worker has just received."""
        for entry in parameters["Entries"]:
            if not self._happens("redelivered", self._rates.redelivered):
                continue
            # A message that was redelivered before has another receipt.
            with suppress(ClientError):
                self._sqs.change_message_visibility(
                    QueueUrl=parameters["QueueUrl"],
                    ReceiptHandle=entry["ReceiptHandle"],
                    VisibilityTimeout=0,
                )

    def _happens(self, kind: str, rate: float) -> bool:
        with self._lock:
            happens = self._draw(kind).random() < rate
            self.counts[kind] += happens
        return happens

    def _is_out(self, name: str) -> bool:
        """Whether a table, or all queues, refuse everything now."""
        if self._began_at is None:
            return False
        second = int((time.monotonic() - self._began_at) / OUTAGE_SECONDS)
        is_out = random.Random(f"{self._seed}.{name}.{second}").random() < self._rates.outage
        self.counts["refused in an outage"] += is_out
        return is_out

    def _draw(self, kind: str) -> random.Random:
        return self._draws.setdefault(kind, random.Random(f"{self._seed}.{kind}"))


def tables_of(parameters: dict[str, Any]) -> Iterator[str]:
    """The tables that a request to DynamoDB names, each as often as it does."""
    if "TableName" in parameters:
        yield parameters["TableName"]
    yield from parameters.get("RequestItems", ())
    for write in parameters.get("TransactItems", ()):
        yield from (one["TableName"] for one in write.values())
    for statement in parameters.get("Statements", ()):
        yield from re.findall(r'(?:INTO|UPDATE|FROM) "([^"]+)"', statement["Statement"])
