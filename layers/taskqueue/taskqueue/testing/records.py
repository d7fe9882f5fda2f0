"""Task records in memory: for unit tests, your own included."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskqueue.errors import TaskAlreadyStarted, TaskIdTaken, TaskNotFound, TaskRevoked
from taskqueue.groups.completion import Parts
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.claim import NEVER_MS, AlreadyFinished, Claim, Claimed, ClaimOutcome, Leased
from taskqueue.records.meta import ErrorInfo, outcome_of
from taskqueue.records.record import TaskRecord
from taskqueue.records.store import Enqueued, Finish


@dataclass(frozen=True)
class _Row:
    record: TaskRecord
    lease_until_ms: int = 0
    returned: int = 0


@dataclass
class MemoryTaskStore:
    """A `TaskStore` that keeps the rules of the one in DynamoDB; its records stay for ever."""

    _rows: dict[str, _Row] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        with self._lock:
            row = self._rows.get(message.id)
            if row is None:
                self._rows[message.id] = _Row(_pending(message, now_ms))
                return Enqueued.NEW
            if row.record.task != message.task:
                raise TaskIdTaken
            waiting = row.record.status in states.WAITING
            return Enqueued.WAITING if waiting else Enqueued.BEGUN

    def enqueue_many(self, messages: Sequence[Message], now_ms: int) -> list[Enqueued]:
        with self._lock:
            before = dict(self._rows)
            try:
                return [self.enqueue(message, now_ms) for message in messages]
            except TaskIdTaken:
                self._rows = before
                raise

    def forget(self, task_id: str) -> None:
        with self._lock:
            row = self._rows.get(task_id)
            if row and row.record.attempts == 0:
                del self._rows[task_id]

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        return [self._claim(claim, now_ms) for claim in claims]

    def finish(self, ends: Sequence[Finish]) -> list[bool]:
        return [self._finish(end) for end in ends]

    def release(self, task_id: str, attempt: int) -> bool:
        def released(row: _Row) -> _Row:
            record = replace(row.record, status=states.PENDING)
            return replace(row, record=record, lease_until_ms=0, returned=row.returned + 1)

        return self._change(task_id, released, lambda row: _holds(row, attempt))

    def get(self, task_id: str) -> TaskRecord | None:
        row = self._rows.get(task_id)
        return row.record if row else None

    def get_many(self, task_ids: Sequence[str]) -> dict[str, TaskRecord]:
        found = {task_id: self.get(task_id) for task_id in task_ids}
        return {task_id: record for task_id, record in found.items() if record}

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        def moved(row: _Row) -> _Row:
            return replace(row, record=replace(row.record, progress=progress))

        return self._change(task_id, moved, lambda row: _holds(row, attempt))

    def plan_parts(self, task_id: str, planned_key: str) -> Parts:
        def planned(row: _Row) -> _Row:
            parts = row.record.parts or Parts(frozenset(), frozenset())
            parts = replace(parts, planned=parts.planned | {planned_key})
            status = row.record.status
            if status == states.STARTED:
                status = states.PROGRESS
            return replace(row, record=replace(row.record, status=status, parts=parts))

        self._change(task_id, planned, lambda _: True)
        return self._parts(task_id)

    def finish_part(self, task_id: str, done_key: str) -> Parts:
        def done(row: _Row) -> _Row:
            parts = row.record.parts or Parts(frozenset(), frozenset())
            parts = replace(parts, done=parts.done | {done_key})
            return replace(row, record=replace(row.record, parts=parts))

        self._change(task_id, done, lambda _: True)
        return self._parts(task_id)

    def complete(self, message: Message, result: Any, now_ms: int) -> bool:
        def completed(row: _Row) -> _Row:
            return _ended(row, states.SUCCESS, now_ms, result=result)

        closed = (states.SUCCESS, states.REVOKED)
        return self._change(message.id, completed, lambda row: row.record.status not in closed)

    def fail(self, message: Message, error: ErrorInfo, now_ms: int) -> bool:
        with self._lock:
            self._rows.setdefault(message.id, _Row(_pending(message, now_ms)))
            return self._change(
                message.id,
                lambda row: _ended(row, states.FAILURE, now_ms, error=error),
                lambda row: row.record.status not in (states.SUCCESS, states.FAILURE),
            )

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        if task_id not in self._rows:
            raise TaskNotFound
        error = ErrorInfo.of(TaskRevoked("revoked"))
        revocable = (states.PENDING, states.RETRY, states.REVOKED)
        if not self._change(
            task_id,
            lambda row: _ended(row, states.REVOKED, now_ms, error=error),
            lambda row: row.record.status in revocable,
        ):
            raise TaskAlreadyStarted
        return self._rows[task_id].record

    def reset(self, message: Message, now_ms: int) -> None:
        def fresh(row: _Row) -> _Row:
            record = replace(
                row.record,
                status=states.PENDING,
                retries=0,
                error=None,
                enqueued_at_ms=now_ms,
                finished_at_ms=None,
            )
            return _Row(record, lease_until_ms=0, returned=record.attempts)

        self._change(message.id, fresh, lambda row: row.record.status == states.FAILURE)

    def _claim(self, claim: Claim, now_ms: int) -> ClaimOutcome:
        with self._lock:
            message = claim.message
            row = self._rows.get(message.id) or _Row(_pending(message, now_ms))
            if row.lease_until_ms == NEVER_MS:
                return AlreadyFinished(row.record.status)
            if row.lease_until_ms > now_ms:
                return Leased(row.lease_until_ms)
            attempt = row.record.attempts + 1
            record = replace(
                row.record,
                status=states.STARTED,
                attempts=attempt,
                started_at_ms=claim.starts_at_ms(now_ms),
            )
            self._rows[message.id] = replace(
                row, record=record, lease_until_ms=claim.lease_until_ms
            )
            return Claimed(attempt, record.retries, attempt - 1 - row.returned)

    def _finish(self, end: Finish) -> bool:
        def ended(row: _Row) -> _Row:
            result, error = outcome_of(end.meta)
            record = replace(
                row.record,
                status=end.status,
                result=result if end.status == states.SUCCESS else None,
                error=error if end.status != states.SUCCESS else None,
                retries=end.retries,
                finished_at_ms=end.at_ms if end.status in states.FINISHED else None,
            )
            return _Row(record, end.claimable_at_ms, row.returned + 1)

        return self._change(end.task_id, ended, lambda row: _holds(row, end.attempt))

    def _parts(self, task_id: str) -> Parts:
        row = self._rows.get(task_id)
        return (row.record.parts if row else None) or Parts(frozenset(), frozenset())

    def _change(
        self, task_id: str, change: Callable[[_Row], _Row], condition: Callable[[_Row], bool]
    ) -> bool:
        with self._lock:
            row = self._rows.get(task_id)
            if row is None or not condition(row):
                return False
            self._rows[task_id] = change(row)
            return True


def _holds(row: _Row, attempt: int) -> bool:
    return row.record.attempts == attempt and row.record.status == states.STARTED


def _pending(message: Message, now_ms: int) -> TaskRecord:
    return TaskRecord(
        id=message.id,
        task=message.task,
        queue=message.queue,
        enqueued_at_ms=now_ms,
        due_at_ms=message.eta_ms,
    )


def _ended(
    row: _Row, status: str, now_ms: int, *, result: Any = None, error: ErrorInfo | None = None
) -> _Row:
    record = replace(row.record, status=status, result=result, error=error, finished_at_ms=now_ms)
    return replace(row, record=record, lease_until_ms=NEVER_MS)
