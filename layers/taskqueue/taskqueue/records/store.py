"""What a store of task records does, whatever it is made of.

The life of a record, and the writes that move it:

    enqueue ──> PENDING ──claim──> STARTED ──finish──> SUCCESS | FAILURE | REVOKED
                                      │  └──plan_parts──> PROGRESS ──complete──> SUCCESS
                                      └──finish──> RETRY ──claim──> STARTED …
    release: STARTED ──> PENDING        fail: any but SUCCESS and REVOKED ──> FAILURE
    reset:   FAILURE ──> PENDING        revoke: PENDING | RETRY ──> REVOKED
    revoke_unseen: no record ──> REVOKED

What a claim needs to hold stands in `lease`. A retry and a reset begin a new turn of the task.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Protocol

from taskqueue.groups.progress import PartsPlan
from taskqueue.groups.store import GroupStore
from taskqueue.message import Message
from taskqueue.records.hop import Hop
from taskqueue.records.lease import Claim, ClaimOutcome
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.record import TaskRecord
from taskqueue.records.states import REVOKED


class Finish(NamedTuple):
    """The end of one attempt: `meta` is Celery's result meta, `turn` that of its message.

    `next_due_ms`: when the task's next turn is due, for a task that is to be retried; None for one
    that is finished. `due_ms`: when this turn was due, if not at once.
    """

    task_id: str
    attempt: int
    turn: int
    status: str
    meta: bytes
    retries: int
    at_ms: int
    due_ms: int | None = None
    next_due_ms: int | None = None


class Enqueued(Enum):
    """What `enqueue` found."""

    NEW = "the record was written"
    WAITING = "the task is known and waits: sending its message again does no harm"
    ANOTHER = "the task is known by another publish: its message is to be sent, to run it again"
    BEGUN = "the task is known and has started or finished: its message need not be sent"


def is_revoked_unseen(task: str | None, status: str) -> bool:
    """Whether a record is of a task that was revoked before its name was known."""
    return not task and status == REVOKED


class Finished(Enum):
    """What became of an end that was to be written."""

    WRITTEN = "it is written"
    LOST = "its lease is lost"
    FAILED = "the store did not take it, and may the next time"
    REFUSED = "the store refused it for good"


class Recorder(Protocol):
    """Makes the record of a task that is about to be sent.

    Both methods may raise `StoreError` or `Throttled`.
    """

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        """Write PENDING, if the id is new.

        Raises:
            TaskIdTaken: the id is that of a task of another name.
        """
        ...

    def forget(self, task_id: str) -> None:
        """Remove a record that nobody has claimed: its message could not be sent."""
        ...


class TaskStore(Recorder, GroupStore, Protocol):
    """The records of all tasks, and the groups that finish some of them.

    Every method may raise `StoreError` or `Throttled`.
    """

    def enqueue_many(self, messages: Sequence[Message], now_ms: int) -> list[Enqueued]:
        """Write PENDING of each whose id is new; the answers stand in the order of the messages.

        Raises:
            TaskIdTaken: an id is that of a task of another name.
            StoreError, Throttled: a request failed.
                In each case those that are known to be new are removed, if the database lets them.
        """
        ...

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        """Claim each task on its own; the outcomes stand in the order of the claims.

        Raises:
            StoreError, Throttled: no outcome is known. What was claimed all the same waits until
                its lease has passed.
        """
        ...

    def finish(self, ends: Sequence[Finish]) -> list[Finished]:
        """Write the ends of attempts; return what became of each, in their order.

        Raises:
            StoreError, Throttled: it is not known which of them are written.
        """
        ...

    def take_hop(self, hop: Hop, now_ms: int) -> bool:
        """Take a hop for one SQS message; False where a copy of it has taken that or a later one.

        The same message may take it again.
        """
        ...

    def release(self, task_id: str, attempt: int) -> bool:
        """Let a claimed task wait again; False where the lease was lost, or its end is written."""
        ...

    def get(self, task_id: str) -> TaskRecord | None:
        """Return the record, or None for an id that was never issued or whose record is gone."""
        ...

    def get_many(self, task_ids: Sequence[str]) -> dict[str, TaskRecord]:
        """Return the records of those of the ids that have one, by id."""
        ...

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        """Write a JSON value of the task's own; False where the lease was lost."""
        ...

    def set_meta(self, task_id: str, attempt: int, meta: bytes) -> bool:
        """Write a running task's result meta in Celery's form; False where the lease was lost."""
        ...

    def plan_parts(self, task_id: str, attempt: int, plan: PartsPlan) -> bool:
        """Write which parts are planned of a running task, which is then PROGRESS.

        The claim's lease stays: a delivery that comes after it must see to what its worker left.
        False where the lease was lost, or the task was revoked.
        """
        ...

    def complete(self, message: Message, result: Any, now_ms: int, told: str) -> bool:
        """Write SUCCESS of a task whose parts are all done, also if it failed meanwhile.

        `told`: the key of the shard that was the last. False where it was SUCCESS or REVOKED
        already, or has no record.
        """
        ...

    def fail(
        self, message: Message, error: ErrorInfo, now_ms: int, attempt: int | None = None
    ) -> bool:
        """Write FAILURE of a dead-lettered task, known or not.

        `attempt`: the one that sent the letter, if a worker did. False where the task had finished
        or was revoked, or where another turn or a later attempt of it has begun.
        """
        ...

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        """Write REVOKED of a task that waits, or that its parts are to finish; again is harmless.

        Raises:
            TaskNotFound: there is no task of that id.
            TaskAlreadyStarted: the task runs, or has finished.
        """
        ...

    def revoke_unseen(self, task_id: str, now_ms: int) -> bool:
        """Write REVOKED of a task without a record: it is to be sent, or a stock client sent it.

        Its message is still to be sent: whoever receives it tells what waits for the task. False
        where there is a record.
        """
        ...

    def reset(self, message: Message, now_ms: int) -> bool:
        """Write PENDING with no retries behind it, for a dead letter that is sent again.

        `message` is that of the new turn. False where the task is not FAILURE.
        """
        ...
