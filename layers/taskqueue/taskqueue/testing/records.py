"""Task records in memory: for unit tests, your own included."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskqueue.errors import (
    StoreRefused,
    TaskAlreadyStarted,
    TaskIdTaken,
    TaskNotFound,
    TaskRevoked,
)
from taskqueue.groups.part import Part, PartEnd, shards_of
from taskqueue.groups.progress import Parts, PartsPlan
from taskqueue.groups.shard import Shard
from taskqueue.message import Message, next_turn
from taskqueue.records import states
from taskqueue.records.hop import Hop
from taskqueue.records.item import item_id
from taskqueue.records.lease import (
    NEVER_MS,
    Claim,
    ClaimOutcome,
    Held,
    RecordGone,
    claimed,
    has_had_record,
    may_claim,
    not_claimed,
    placed,
    runs_again,
)
from taskqueue.records.meta import ErrorInfo, outcome_of, result_meta
from taskqueue.records.publishes import of_publish, publish_hash
from taskqueue.records.record import TaskRecord
from taskqueue.records.retention import Retention
from taskqueue.records.store import Enqueued, Finish, Finished, is_revoked_unseen

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ITEM_BYTES = 400 * 1024


@dataclass(frozen=True)
class _Row:
    record: TaskRecord
    ttl: int
    lease_until_ms: int = 0
    returned: int = 0
    holder: str = ""
    nonce: str = ""
    meta: bytes | None = None
    earlier_publishes: bytes = b""

    @property
    def held(self) -> Held:
        record = self.record
        return Held(
            status=record.status,
            attempt=record.attempts,
            turn=record.turn,
            retries=record.retries,
            returned=self.returned,
            lease_until_ms=self.lease_until_ms,
            holder=self.holder,
            nonce=self.nonce,
            due_at_ms=record.due_at_ms or 0,
            publish=record.publish,
            earlier_publishes=self.earlier_publishes,
            has_parts=record.parts is not None,
        )


@dataclass
class MemoryTaskStore:
    """A `TaskStore` that keeps the rules of the one in DynamoDB.

    `now_ms`: the time by which records whose `ttl` has passed are gone; without it they stay.
    """

    now_ms: Callable[[], int] | None = None
    result_ttl_seconds: int = 7 * 24 * 60 * 60
    _rows: dict[str, _Row] = field(default_factory=dict)
    _shards: dict[tuple[str, int], tuple[Shard, int]] = field(default_factory=dict)
    _hops: dict[str, tuple[Hop, int]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        with self._lock:
            row = self._row(message.id)
            if row is None:
                self._rows[message.id] = self._pending(message, now_ms)
                return Enqueued.NEW
            if is_revoked_unseen(row.record.task, row.record.status):
                ttl = max(row.ttl, self._retention.of_finished(now_ms, message.eta_ms))
                self._rows[message.id] = replace(row, ttl=ttl)
                return Enqueued.WAITING
            if row.record.task != message.task:
                raise TaskIdTaken
            if row.held.publishes.is_next(message):
                return Enqueued.ANOTHER
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
            row = self._row(task_id)
            if row and row.record.attempts == 0:
                del self._rows[task_id]

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        return [self._claim(claim, now_ms) for claim in claims]

    def finish(self, ends: Sequence[Finish]) -> list[Finished]:
        return [self._finish(end) for end in ends]

    def take_hop(self, hop: Hop, now_ms: int) -> bool:
        with self._lock:
            taken, ttl = self._hops.get(hop.key, (hop, 0))
            is_mine = hop.number == taken.number and hop.holder == taken.holder
            if ttl * 1000 > now_ms and hop.number <= taken.number and not is_mine:
                return False
            self._hops[hop.key] = hop, self._retention.of_waiting(hop.due_at_ms)
            return True

    def release(self, task_id: str, attempt: int) -> bool:
        def released(row: _Row) -> _Row:
            record = replace(row.record, status=states.PENDING)
            return replace(row, record=record, lease_until_ms=0, returned=row.returned + 1)

        return self._change(task_id, released, lambda row: _is_leased(row, attempt))

    def get(self, task_id: str) -> TaskRecord | None:
        row = self._row(task_id)
        if row is None:
            return None
        now_ms = self.now_ms() if self.now_ms else 0
        return self._retention.shown(row.record, now_ms)

    def get_many(self, task_ids: Sequence[str]) -> dict[str, TaskRecord]:
        found = {task_id: self.get(task_id) for task_id in task_ids}
        return {task_id: record for task_id, record in found.items() if record}

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        def moved(row: _Row) -> _Row:
            return replace(row, record=replace(row.record, progress=progress))

        return self._change(task_id, moved, lambda row: _holds(row, attempt))

    def set_meta(self, task_id: str, attempt: int, meta: bytes) -> bool:
        return self._change(
            task_id, lambda row: replace(row, meta=meta), lambda row: _holds(row, attempt)
        )

    def meta(self, key: str) -> bytes | None:
        """Return Celery's result meta of the task whose item has that key."""
        known = self._task_id(key)
        row = self._row(known) if known else None
        if row is None:
            return None
        return _meta_of(row.record) if row.meta is None else row.meta

    def forget_result(self, key: str) -> None:
        """Forget the result of the task whose item has that key."""
        with self._lock:
            if known := self._task_id(key):
                row = self._rows[known]
                record = replace(row.record, result=None, error=None)
                self._rows[known] = replace(row, record=record, meta=b"")

    def _task_id(self, key: str) -> str | None:
        return next((task_id for task_id in self._rows if item_id(task_id) == key), None)

    def plan_parts(self, task_id: str, attempt: int, plan: PartsPlan) -> bool:
        def planned(row: _Row) -> _Row:
            told = row.record.parts.told if row.record.parts else frozenset()
            parts = Parts(plan, told)
            return replace(row, record=replace(row.record, status=states.PROGRESS, parts=parts))

        return self._change(task_id, planned, lambda row: _holds(row, attempt))

    def complete(self, message: Message, result: Any, now_ms: int, told: str) -> bool:
        def completed(row: _Row) -> _Row:
            ended = self._ended(row, states.SUCCESS, now_ms, message.eta_ms, result=result)
            return _told(ended, told)

        closed = (states.SUCCESS, states.REVOKED)
        return self._change(message.id, completed, lambda row: row.record.status not in closed)

    def finish_part(self, part: Part, end: PartEnd, now_ms: int) -> Shard:
        key = part.whole_id, part.shard
        return self._change_shard(key, lambda shard: shard.ended(part, end), now_ms)

    def set_group_size(self, whole_id: str, size: int, now_ms: int) -> Shard:
        key = whole_id, shards_of(size) - 1
        return self._change_shard(key, lambda shard: replace(shard, size=size), now_ms)

    def tell_shard(self, whole_id: str, told: str) -> Parts | None:
        with self._lock:
            self._change(whole_id, lambda row: _told(row, told), lambda _: True)
            row = self._row(whole_id)
            return row.record.parts if row else None

    def shards(self, whole_id: str, numbers: Sequence[int]) -> list[Shard]:
        return [self._shard(whole_id, number) for number in numbers]

    def fail(
        self, message: Message, error: ErrorInfo, now_ms: int, attempt: int | None = None
    ) -> bool:
        meta = result_meta(message, states.FAILURE, error=error, at_ms=now_ms)
        if len(meta) > MAX_ITEM_BYTES:
            raise StoreRefused
        with self._lock:
            if self._row(message.id) is None:
                if has_had_record(message):
                    return False
                self._rows[message.id] = self._pending(message, now_ms)
            return self._change(
                message.id,
                lambda row: self._ended(
                    row,
                    states.FAILURE,
                    now_ms,
                    message.eta_ms,
                    error=error,
                    turn=_turn_in(row, message),
                ),
                lambda row: (
                    row.record.status not in states.FINISHED
                    and _is_of_turn(row, message)
                    and (attempt is None or row.record.attempts <= attempt)
                ),
            )

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        row = self._row(task_id)
        if row is None:
            raise TaskNotFound
        due_ms = row.record.due_at_ms
        error = ErrorInfo.of(TaskRevoked("revoked"))
        if not self._change(
            task_id,
            lambda row: self._ended(row, states.REVOKED, now_ms, due_ms, error=error),
            _may_be_revoked,
        ):
            raise TaskAlreadyStarted
        return self._rows[task_id].record

    def revoke_unseen(self, task_id: str, now_ms: int) -> bool:
        with self._lock:
            if self._row(task_id):
                return False
            row = self._pending(Message("", task_id), now_ms)
            error = ErrorInfo.of(TaskRevoked("revoked"))
            self._rows[task_id] = self._ended(row, states.REVOKED, now_ms, None, error=error)
            return True

    def reset(self, message: Message, now_ms: int) -> bool:
        def fresh(row: _Row) -> _Row:
            record = replace(
                row.record,
                status=states.PENDING,
                turn=message.turn,
                retries=0,
                error=None,
                enqueued_at_ms=now_ms,
                finished_at_ms=None,
                due_at_ms=None,
            )
            ttl = self._retention.of_waiting(now_ms)
            row = replace(row, record=record, ttl=ttl, lease_until_ms=0, meta=None)
            return replace(row, returned=record.attempts)

        return self._change(message.id, fresh, lambda row: row.record.status == states.FAILURE)

    def _claim(self, claim: Claim, now_ms: int) -> ClaimOutcome:
        with self._lock:
            message = claim.message
            row = self._row(message.id)
            if row is None and has_had_record(message):
                return RecordGone()
            row = row or self._pending(message, now_ms)
            if not may_claim(claim, row.held, now_ms):
                return not_claimed(claim, row.held)
            if runs_again(claim, row.held):
                row = self._published_again(row, message, now_ms)
            message = placed(claim, row.held).message
            record = replace(
                row.record,
                status=states.STARTED,
                attempts=row.record.attempts + 1,
                turn=message.turn,
                retries=message.retries,
                started_at_ms=claim.starts_at_ms(now_ms),
            )
            # The attempt that sent a retry has ended in order, whether that is recorded or not.
            is_next = message.after is not None and message.after == row.record.attempts
            row = replace(
                row,
                record=record,
                returned=row.record.attempts if is_next else row.returned,
                lease_until_ms=claim.lease_until_ms,
                holder=claim.holder,
                nonce=claim.nonce,
            )
            self._rows[message.id] = row
            return claimed(row.held)

    def _published_again(self, row: _Row, message: Message, now_ms: int) -> _Row:
        number = row.held.publishes.number_of(message)
        return replace(
            row,
            record=replace(
                row.record,
                publish=publish_hash(message),
                turn=of_publish(message, number).turn,
            ),
            ttl=self._retention.of_waiting(max(now_ms, message.eta_ms or 0)),
            returned=row.record.attempts,
            earlier_publishes=row.held.publishes.before_next(),
        )

    def _finish(self, end: Finish) -> Finished:
        def ended(row: _Row) -> _Row:
            result, error = outcome_of(end.meta)
            waits = end.next_due_ms is not None
            record = replace(
                row.record,
                status=end.status,
                result=result if end.status == states.SUCCESS else None,
                error=error if end.status != states.SUCCESS else None,
                turn=next_turn(end.turn) if waits else end.turn,
                retries=end.retries,
                finished_at_ms=end.at_ms if end.status in states.FINISHED else None,
                due_at_ms=end.next_due_ms if waits else row.record.due_at_ms,
            )
            return replace(
                row,
                record=record,
                ttl=self._retention.of_end(end),
                lease_until_ms=0 if waits else NEVER_MS,
                returned=row.returned + 1,
                meta=end.meta,
            )

        if len(end.meta) > MAX_ITEM_BYTES:
            return Finished.REFUSED
        is_held = self._change(end.task_id, ended, lambda row: _is_leased(row, end.attempt))
        return Finished.WRITTEN if is_held else Finished.LOST

    @property
    def _retention(self) -> Retention:
        return Retention(self.result_ttl_seconds)

    def _row(self, task_id: str) -> _Row | None:
        row = self._rows.get(task_id)
        if row and self.now_ms and row.ttl * 1000 <= self.now_ms():
            del self._rows[task_id]
            return None
        return row

    def _pending(self, message: Message, now_ms: int) -> _Row:
        record = TaskRecord(
            id=message.id,
            task=message.task,
            queue=message.queue,
            turn=message.turn,
            enqueued_at_ms=now_ms,
            due_at_ms=message.eta_ms,
            publish=publish_hash(message),
        )
        return _Row(record, self._retention.of_waiting(max(now_ms, message.eta_ms or 0)))

    def _ended(
        self,
        row: _Row,
        status: str,
        now_ms: int,
        due_ms: int | None,
        **changes: Any,
    ) -> _Row:
        record = replace(
            row.record,
            **{"result": None, "error": None, **changes},
            status=status,
            finished_at_ms=now_ms,
        )
        ttl = self._retention.of_finished(now_ms, due_ms)
        return replace(row, record=record, ttl=ttl, lease_until_ms=NEVER_MS, meta=None)

    def _shard(self, whole_id: str, number: int) -> Shard:
        shard, ttl = self._shards.get((whole_id, number), (Shard(number), 0))
        is_gone = self.now_ms and ttl * 1000 <= self.now_ms()
        return Shard(number) if is_gone else shard

    def _change_shard(
        self, key: tuple[str, int], change: Callable[[Shard], Shard], now_ms: int
    ) -> Shard:
        with self._lock:
            shard = change(self._shard(*key))
            self._shards[key] = shard, self._retention.of_waiting(now_ms)
            return shard

    def _change(
        self, task_id: str, change: Callable[[_Row], _Row], condition: Callable[[_Row], bool]
    ) -> bool:
        with self._lock:
            row = self._row(task_id)
            if row is None or not condition(row):
                return False
            self._rows[task_id] = change(row)
            return True


@dataclass
class MemoryResultMetas:
    """The `ResultMetas` beside a `MemoryTaskStore`."""

    store: MemoryTaskStore = field(default_factory=MemoryTaskStore)
    _others: dict[str, bytes] = field(default_factory=dict)
    _sets: dict[str, frozenset[bytes]] = field(default_factory=dict)

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        found = {key: self.store.meta(key) or self._others.get(key) for key in keys}
        return {key: meta for key, meta in found.items() if meta}

    def put(self, key: str, meta: bytes) -> None:
        self._others[key] = meta

    def delete(self, key: str) -> None:
        self.store.forget_result(key)
        self._others.pop(key, None)

    def add(self, key: str, member: bytes) -> frozenset[bytes]:
        self._sets[key] = self._sets.get(key, frozenset()) | {member}
        return self._sets[key]

    def sets(self, keys: Sequence[str]) -> dict[str, frozenset[bytes]]:
        return {key: self._sets[key] for key in keys if key in self._sets}


def _meta_of(record: TaskRecord) -> bytes:
    return result_meta(
        Message(record.task, record.id, queue=record.queue),
        record.status,
        result=record.result,
        error=record.error,
        at_ms=record.finished_at_ms or 0,
    )


def _holds(row: _Row, attempt: int) -> bool:
    running = (states.STARTED, states.PROGRESS)
    return row.record.attempts == attempt and row.record.status in running


def _is_leased(row: _Row, attempt: int) -> bool:
    return _holds(row, attempt) and 0 < row.lease_until_ms < NEVER_MS


def _turn_in(row: _Row, message: Message) -> int:
    return of_publish(message, row.held.publishes.number_of(message)).turn


def _is_of_turn(row: _Row, message: Message) -> bool:
    """Whether the record is in no later turn than a message, nor in an earlier publish."""
    is_next = message.publish is not None and row.held.publishes.is_next(message)
    return not is_next and row.record.turn <= _turn_in(row, message)


def _may_be_revoked(row: _Row) -> bool:
    if row.record.status == states.STARTED:
        return row.record.parts is not None
    return row.record.status in (*states.WAITING, states.PROGRESS, states.REVOKED)


def _told(row: _Row, told: str) -> _Row:
    parts = row.record.parts
    if parts is None:
        return row
    parts = replace(parts, told=parts.told | {told})
    return replace(row, record=replace(row.record, parts=parts))
