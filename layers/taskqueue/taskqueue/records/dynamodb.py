"""Task records in DynamoDB, in the shape of Celery's DynamoDB result backend.

Claims and ends of a whole batch go in one request each, by PartiQL's BatchExecuteStatement: every
statement has its own condition and costs one write unit, where a transaction would cost two and
fail as a whole.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import ConditionFailed, store_error, store_errors
from taskqueue.aws.partiql import (
    ANSWERS,
    Statement,
    Statements,
    insert_statement,
    statement_error,
    succeeded,
)
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import (
    StoreError,
    TaskAlreadyStarted,
    TaskIdTaken,
    TaskNotFound,
    TaskQueueError,
    TaskRevoked,
)
from taskqueue.groups.completion import Parts
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.claim import (
    NEVER_MS,
    AlreadyFinished,
    Claim,
    Claimed,
    ClaimOutcome,
    Leased,
    NotClaimed,
)
from taskqueue.records.item import (
    Item,
    item_id,
    item_key,
    number,
    read_int,
    read_parts,
    read_record,
    string,
)
from taskqueue.records.meta import ErrorInfo, result_meta
from taskqueue.records.record import TaskRecord
from taskqueue.records.store import Enqueued, Finish

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A message may wait on its queue for 14 days; its record must outlive it.
MAX_WAIT_SECONDS = 14 * 24 * 60 * 60

# `lost` is told by arithmetic: every attempt that ends in order raises `returned`.
_CLAIM = (
    'UPDATE "{table}" SET "status"=\'STARTED\' SET "attempt"="attempt"+1 SET "lease_until_ms"=?'
    ' SET "started_at_ms"=?'
    ' WHERE "id"=? AND "lease_until_ms"<=? RETURNING ALL NEW *'
)
_FINISH = (
    'UPDATE "{table}" SET "status"=? SET "result"=? SET "lease_until_ms"=? SET "retries"=?'
    ' SET "finished_at_ms"=? SET "ttl"=? SET "returned"="returned"+1'
    ' WHERE "id"=? AND "attempt"=? AND "status"=\'STARTED\''
)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
_RESERVED = ("status", "result", "ttl", "timestamp")


class DynamoTaskStore:
    """The `TaskStore` of the deployed stack.

    `result_ttl_seconds`: how long a finished task's record is kept.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        result_ttl_seconds: int,
        patience: Patience = PATIENCE,
    ) -> None:
        self._client = client
        self._statements = Statements(client, patience)
        self._table = table
        self._result_ttl_seconds = result_ttl_seconds
        self._claim_statement = _CLAIM.format(table=table)
        self._finish_statement = _FINISH.format(table=table)

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=self._pending_item(message, now_ms),
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as error:
            return _known(message, error.item)
        return Enqueued.NEW

    def enqueue_many(self, messages: Sequence[Message], now_ms: int) -> list[Enqueued]:
        responses = self._statements.execute(
            [self.insertion(message, now_ms) for message in messages]
        )
        new = [one for one, said in zip(messages, responses, strict=True) if succeeded(said)]
        try:
            return [
                Enqueued.NEW if succeeded(said) else self._found(message, statement_error(said))
                for message, said in zip(messages, responses, strict=True)
            ]
        except TaskQueueError:
            for message in new:
                self.forget(message.id)
            raise

    def forget(self, task_id: str) -> None:
        try:
            with store_errors():
                self._client.delete_item(**self.deletion(task_id))
        except ConditionFailed:
            return

    def insertion(self, message: Message, now_ms: int) -> Statement:
        """Return the statement that writes a new record, for a request of several."""
        return insert_statement(self._table, self._pending_item(message, now_ms))

    def deletion(self, task_id: str) -> Any:
        """Return the arguments of the delete that removes a record which nobody has claimed."""
        return {
            "TableName": self._table,
            "Key": item_key(task_id),
            "ConditionExpression": "attribute_not_exists(id) OR attempt = :none",
            "ExpressionAttributeValues": {":none": number(0)},
        }

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        responses = self._statements.execute(
            [self._claim_parameters(claim, now_ms) for claim in claims]
        )
        outcomes = [_claim_outcome(response) for response in responses]
        unknown = [index for index, outcome in enumerate(outcomes) if outcome is None]
        inserted = self._insert([claims[index] for index in unknown], now_ms)
        for index, outcome in zip(unknown, inserted, strict=True):
            outcomes[index] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def finish(self, ends: Sequence[Finish]) -> list[bool]:
        responses = self._statements.execute([self._finish_parameters(end) for end in ends])
        return [succeeded(response) for response in responses]

    def release(self, task_id: str, attempt: int) -> bool:
        return self._update(
            task_id,
            "SET #status = :pending, lease_until_ms = :zero ADD returned :one",
            {":pending": string(states.PENDING), ":zero": number(0), ":one": number(1)},
            condition="attempt = :attempt AND #status = :started",
            condition_values={":attempt": number(attempt), ":started": string(states.STARTED)},
        )

    def get(self, task_id: str) -> TaskRecord | None:
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=item_key(task_id), ConsistentRead=True
            )
        item = response.get("Item")
        return read_record(task_id, dict(item)) if item else None

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        return self._update(
            task_id,
            "SET progress = :progress",
            {":progress": string(json.dumps(progress, separators=(",", ":"), allow_nan=False))},
            condition="attempt = :attempt AND #status = :started",
            condition_values={":attempt": number(attempt), ":started": string(states.STARTED)},
        )

    def plan_parts(self, task_id: str, planned_key: str) -> Parts:
        parts = self._add_part(
            task_id,
            # The lease stays: who planned may still die before it finds all parts done.
            "SET #status = :progress ADD parts_planned :key",
            planned_key,
            condition="#status IN (:started, :progress)",
            values={":progress": string(states.PROGRESS), ":started": string(states.STARTED)},
        )
        if planned_key in parts.planned:
            return parts
        # A task that failed or waits for another try stays so, but its parts go on.
        return self._add_part(
            task_id,
            "ADD parts_planned :key",
            planned_key,
            condition="attribute_exists(id)",
            values={},
        )

    def finish_part(self, task_id: str, done_key: str) -> Parts:
        return self._add_part(
            task_id, "ADD parts_done :key", done_key, condition="attribute_exists(id)", values={}
        )

    def complete(self, message: Message, result: Any, now_ms: int) -> bool:
        meta = result_meta(message, states.SUCCESS, result=result, at_ms=now_ms)
        return self._update(
            message.id,
            "SET #status = :success, #result = :meta, lease_until_ms = :never,"
            " finished_at_ms = :now, #ttl = :ttl",
            {":success": string(states.SUCCESS), **self._end_values(meta, now_ms)},
            condition="attribute_exists(id) AND #status <> :success AND #status <> :revoked",
            condition_values={":revoked": string(states.REVOKED)},
        )

    def fail(self, message: Message, error: ErrorInfo, now_ms: int) -> bool:
        meta = result_meta(message, states.FAILURE, error=error, at_ms=now_ms)
        return self._update(
            message.id,
            "SET #status = :failure, #result = :meta, lease_until_ms = :never,"
            " finished_at_ms = :now, #ttl = :ttl, task = :task, queue = :queue,"
            " #timestamp = :seconds, enqueued_at_ms = if_not_exists(enqueued_at_ms, :now),"
            " attempt = if_not_exists(attempt, :zero), retries = if_not_exists(retries, :zero),"
            " returned = if_not_exists(returned, :zero)",
            {
                ":failure": string(states.FAILURE),
                ":task": string(message.task),
                ":queue": string(message.queue),
                ":seconds": number(now_ms / 1000),
                ":zero": number(0),
                **self._end_values(meta, now_ms),
            },
            condition="attribute_not_exists(id) OR NOT #status IN (:success, :failure)",
            condition_values={":success": string(states.SUCCESS)},
        )

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        record = self.get(task_id)
        if record is None:
            raise TaskNotFound
        error = ErrorInfo.of(TaskRevoked("revoked"))
        message = Message(record.task, task_id, queue=record.queue)
        meta = result_meta(message, states.REVOKED, error=error, at_ms=now_ms)
        revoked = self._update(
            task_id,
            "SET #status = :revoked, #result = :meta, lease_until_ms = :never,"
            " finished_at_ms = :now, #ttl = :ttl",
            {":revoked": string(states.REVOKED), **self._end_values(meta, now_ms)},
            condition="#status IN (:pending, :retry, :revoked)",
            condition_values={":pending": string(states.PENDING), ":retry": string(states.RETRY)},
        )
        if not revoked:
            raise TaskAlreadyStarted
        return self.get(task_id) or record

    def reset(self, message: Message, now_ms: int) -> None:
        self._update(
            message.id,
            "SET #status = :pending, #result = :meta, lease_until_ms = :zero, retries = :zero,"
            " returned = attempt, enqueued_at_ms = :now, #ttl = :ttl REMOVE finished_at_ms",
            {
                ":pending": string(states.PENDING),
                ":meta": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
                ":zero": number(0),
                ":now": number(now_ms),
                ":ttl": number(self._pending_ttl(message, now_ms)),
            },
            condition="#status = :failure",
            condition_values={":failure": string(states.FAILURE)},
        )

    def _pending_item(self, message: Message, now_ms: int) -> Item:
        item = {
            **item_key(message.id),
            "result": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
            "timestamp": number(now_ms / 1000),
            "ttl": number(self._pending_ttl(message, now_ms)),
            "status": string(states.PENDING),
            "task": string(message.task),
            "queue": string(message.queue),
            "attempt": number(0),
            "returned": number(0),
            "retries": number(0),
            "lease_until_ms": number(0),
            "enqueued_at_ms": number(now_ms),
        }
        if message.eta_ms is not None:
            item["due_at_ms"] = number(message.eta_ms)
        return item

    def _pending_ttl(self, message: Message, now_ms: int) -> int:
        due_ms = max(now_ms, message.eta_ms or 0)
        return due_ms // 1000 + max(self._result_ttl_seconds, MAX_WAIT_SECONDS)

    def _claim_parameters(self, claim: Claim, now_ms: int) -> Item:
        return {
            "Statement": self._claim_statement,
            "Parameters": [
                number(claim.lease_until_ms),
                number(claim.starts_at_ms(now_ms)),
                {"S": item_id(claim.message.id)},
                number(now_ms),
            ],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _insert(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        """Claim tasks without a record: a stock Celery client writes none."""
        statements = [
            insert_statement(self._table, self._started_item(claim, now_ms)) for claim in claims
        ]
        try:
            responses = self._statements.execute(statements)
        except StoreError as error:
            # Others of the batch may be claimed already.
            return [NotClaimed(str(error)) for _ in claims]
        return [_insert_outcome(response, now_ms) for response in responses]

    def _started_item(self, claim: Claim, now_ms: int) -> Item:
        return {
            **self._pending_item(claim.message, now_ms),
            "status": string(states.STARTED),
            "attempt": number(1),
            "lease_until_ms": number(claim.lease_until_ms),
            "started_at_ms": number(claim.starts_at_ms(now_ms)),
        }

    def _finish_parameters(self, end: Finish) -> Item:
        return {
            "Statement": self._finish_statement,
            "Parameters": [
                string(end.status),
                {"B": end.meta},
                number(end.claimable_at_ms),
                number(end.retries),
                number(end.at_ms),
                number(self._finish_ttl(end)),
                {"S": item_id(end.task_id)},
                number(end.attempt),
            ],
        }

    def _finish_ttl(self, end: Finish) -> int:
        waits = end.claimable_at_ms != NEVER_MS
        kept_seconds = MAX_WAIT_SECONDS if waits else 0
        return end.at_ms // 1000 + max(self._result_ttl_seconds, kept_seconds)

    def _end_values(self, meta: bytes, now_ms: int) -> Item:
        return {
            ":meta": {"B": meta},
            ":never": number(NEVER_MS),
            ":now": number(now_ms),
            ":ttl": number(now_ms // 1000 + self._result_ttl_seconds),
        }

    def _add_part(
        self, task_id: str, expression: str, key: str, *, condition: str, values: Item
    ) -> Parts:
        try:
            with store_errors():
                response = self._client.update_item(
                    TableName=self._table,
                    Key=item_key(task_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":key": {"SS": [key]}, **values},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **_names(expression, condition),
                )
        except ConditionFailed as error:
            return read_parts(error.item)
        return read_parts(dict(response["Attributes"]))

    def _found(self, message: Message, code: str | None) -> Enqueued:
        """Return what is there under the id of a message whose record was not written."""
        if code not in ANSWERS:
            raise store_error(str(code))
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=item_key(message.id), ConsistentRead=True
            )
        return _known(message, dict(response.get("Item") or {}))

    def _update(
        self,
        task_id: str,
        expression: str,
        values: Item,
        *,
        condition: str,
        condition_values: Mapping[str, Any],
    ) -> bool:
        """Update one record; False where its condition does not hold."""
        try:
            with store_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=item_key(task_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={**values, **condition_values},
                    **_names(expression, condition),
                )
        except ConditionFailed:
            return False
        return True


def _names(*expressions: str) -> Item:
    """Return the argument that names the reserved words which the expressions use, if any."""
    names = {f"#{word}": word for word in _RESERVED if f"#{word}" in " ".join(expressions)}
    return {"ExpressionAttributeNames": names} if names else {}


def _claim_outcome(response: Item) -> ClaimOutcome | None:
    """Return what became of a claim; None: there is no such record."""
    if succeeded(response):
        item = response["Item"]
        attempt = read_int(item, "attempt")
        return Claimed(attempt, read_int(item, "retries"), attempt - 1 - read_int(item, "returned"))
    code = str(statement_error(response))
    if code not in ANSWERS:
        return NotClaimed(code)
    item = response["Error"].get("Item")
    if not item:
        return None
    until_ms = read_int(item, "lease_until_ms")
    return AlreadyFinished(item["status"]["S"]) if until_ms == NEVER_MS else Leased(until_ms)


def _insert_outcome(response: Item, now_ms: int) -> ClaimOutcome:
    if succeeded(response):
        return Claimed(attempt=1, retries=0, lost=0)
    code = str(statement_error(response))
    return Leased(now_ms) if code in ANSWERS else NotClaimed(code)


def _known(message: Message, item: Item) -> Enqueued:
    if item.get("task", {}).get("S") != message.task:
        raise TaskIdTaken
    waiting = item["status"]["S"] in states.WAITING
    return Enqueued.WAITING if waiting else Enqueued.BEGUN
