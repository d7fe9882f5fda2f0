"""Sends many slots' messages at once; one that cannot be sent keeps no other from its queue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from taskqueue.errors import MessageTooLarge, SendError, StoreError, TaskQueueError, Throttled
from taskqueue.message import Message
from taskqueue.records.store import Enqueued


class TimeIsOver(TaskQueueError):
    """The tick's time is over."""


class Sends(Protocol):
    """What beat needs of a `Sender`, which says what each of these raises."""

    def send(self, message: Message, now_ms: int) -> Enqueued:
        """Record and send one task."""
        ...

    def send_many(self, messages: Sequence[Message], now_ms: int) -> None:
        """Record and send many tasks."""
        ...

    def send_unrecorded(self, messages: Sequence[Message], now_ms: int) -> None:
        """Send tasks that have no records."""
        ...


def is_of_queue(error: Exception) -> bool:
    """Whether every other message to the same queue meets the same error."""
    return isinstance(error, SendError) and not isinstance(error, MessageTooLarge)


def is_of_message(error: Exception) -> bool:
    """Whether it is the message itself that can never be sent.

    What a queue or the database refuses can be sent once someone has mended the stack.
    """
    return not (is_of_queue(error) or isinstance(error, StoreError | TimeIsOver))


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Sends messages until `end_ms`. What is left until a slot is taken anew for each request."""

    sender: Sends
    clock_ms: Callable[[], int]
    end_ms: int

    def send(self, messages: Sequence[Message], *, recorded: bool) -> list[Exception | None]:
        """Return for each message, all to one queue, why it was not sent; None: it was.

        Those that cannot be sent together are halved until each has its own answer: of many, one
        that is bad costs a few requests more. A message may have been sent that is said not to be.
        """
        if not messages:
            return []
        if self.clock_ms() >= self.end_ms:
            return [TimeIsOver() for _ in messages]
        try:
            self._send(messages, recorded=recorded)
        except Throttled as error:
            # To ask for each alone would throttle the table more.
            return [error for _ in messages]
        except Exception as error:  # noqa: BLE001 - whatever it is, no other message may suffer
            return [error] if len(messages) == 1 else self._halve(messages, recorded=recorded)
        return [None for _ in messages]

    def _send(self, messages: Sequence[Message], *, recorded: bool) -> None:
        now_ms = self.clock_ms()
        if not recorded:
            self.sender.send_unrecorded(messages, now_ms)
        elif len(messages) == 1:
            # It says why the queue did not take the message; the one for many does not.
            self.sender.send(messages[0], now_ms)
        else:
            self.sender.send_many(messages, now_ms)

    def _halve(self, messages: Sequence[Message], *, recorded: bool) -> list[Exception | None]:
        half = len(messages) // 2
        errors = self.send(messages[:half], recorded=recorded)
        of_queue = next((error for error in errors if error and is_of_queue(error)), None)
        if of_queue:
            return [*errors, *(of_queue for _ in messages[half:])]
        return [*errors, *self.send(messages[half:], recorded=recorded)]
