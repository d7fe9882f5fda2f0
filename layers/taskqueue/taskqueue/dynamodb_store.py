"""Task records in DynamoDB, in the shape of Celery's DynamoDB result backend.

Key `id`: the text `b'celery-task-meta-<task id>'`, quotes and `b` included, as Celery 5.7 writes
it. `result`, `timestamp` and `ttl` are Celery's; the other attributes are this project's.
https://docs.celeryq.dev/en/stable/userguide/configuration.html#aws-dynamodb-backend-settings

Claims and ends of a whole batch go in one request each, by PartiQL's BatchExecuteStatement: every
statement has its own condition and costs one write unit, where a transaction would cost two and
fail as a whole.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
"""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from taskqueue import states
from taskqueue.awserrors import (
    THROTTLING_CODES,
    condition_item,
    store_error,
    store_errors,
)
from taskqueue.errors import StoreError, TaskAlreadyStarted, TaskIdTaken, TaskNotFound
from taskqueue.message import Message
from taskqueue.parts import Parts
from taskqueue.records import ErrorInfo, TaskRecord, outcome_of, result_meta
from taskqueue.store import (
    NEVER_MS,
    AlreadyFinished,
    Claim,
    Claimed,
    ClaimOutcome,
    Enqueued,
    Finish,
    Leased,
    NotClaimed,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html
MAX_STATEMENTS = 25
MAX_TRIES = 4
# A message may wait on its queue for 14 days; its record must outlive it.
MAX_WAIT_SECONDS = 14 * 24 * 60 * 60

# `lost` is told by arithmetic: every attempt that ends in order raises `returned`.
_CLAIM = (
    'UPDATE "{table}" SET "status"=\'STARTED\' SET "attempt"="attempt"+1 SET "lease_until_ms"=?'
    ' SET "started_at_ms"=?'
    ' WHERE "id"=? AND "lease_until_ms"<=? RETURNING ALL NEW *'
)
# What a statement answers when the database did as it was told: done, or the condition was false.
_ANSWERS = (None, "ConditionalCheckFailed", "DuplicateItem")
_FINISH = (
    'UPDATE "{table}" SET "status"=? SET "result"=? SET "lease_until_ms"=? SET "retries"=?'
    ' SET "finished_at_ms"=? SET "ttl"=? SET "returned"="returned"+1'
    ' WHERE "id"=? AND "attempt"=? AND "status"=\'STARTED\''
)


class DynamoTaskStore:
    """The `TaskStore` of the deployed stack.

    `result_ttl_seconds`: how long a finished task's record is kept.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        result_ttl_seconds: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._sleep = sleep
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
        except ClientError as error:
            return _known(message, condition_item(error) or {})
        return Enqueued.NEW

    def forget(self, task_id: str) -> None:
        try:
            with store_errors():
                self._client.delete_item(
                    TableName=self._table,
                    Key=_key(task_id),
                    ConditionExpression="attempt = :none",
                    ExpressionAttributeValues={":none": {"N": "0"}},
                )
        except ClientError:
            return

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        responses = self._execute([self._claim_parameters(claim, now_ms) for claim in claims])
        outcomes = [_claim_outcome(response) for response in responses]
        unknown = [index for index, outcome in enumerate(outcomes) if outcome is None]
        inserted = self._insert([claims[index] for index in unknown], now_ms)
        for index, outcome in zip(unknown, inserted, strict=True):
            outcomes[index] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    def finish(self, ends: Sequence[Finish]) -> list[bool]:
        responses = self._execute([self._finish_parameters(end) for end in ends])
        return [_succeeded(response) for response in responses]

    def release(self, task_id: str, attempt: int) -> bool:
        return self._update(
            task_id,
            "SET #status = :pending, lease_until_ms = :zero ADD returned :one",
            {":pending": _s(states.PENDING), ":zero": _n(0), ":one": _n(1)},
            condition="attempt = :attempt AND #status = :started",
            condition_values={":attempt": _n(attempt), ":started": _s(states.STARTED)},
        )

    def get(self, task_id: str) -> TaskRecord | None:
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=_key(task_id), ConsistentRead=True
            )
        item = response.get("Item")
        return _record(task_id, dict(item)) if item else None

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        return self._update(
            task_id,
            "SET progress = :progress",
            {":progress": _s(json.dumps(progress, separators=(",", ":"), allow_nan=False))},
            condition="attempt = :attempt AND #status = :started",
            condition_values={":attempt": _n(attempt), ":started": _s(states.STARTED)},
        )

    def plan_parts(self, task_id: str, planned_key: str) -> Parts:
        parts = self._add_part(
            task_id,
            # The lease stays: who planned may still die before it finds all parts done.
            "SET #status = :progress ADD parts_planned :key",
            planned_key,
            condition="#status IN (:started, :progress)",
            values={":progress": _s(states.PROGRESS), ":started": _s(states.STARTED)},
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
            {":success": _s(states.SUCCESS), **self._end_values(meta, now_ms)},
            condition="attribute_exists(id) AND #status <> :success AND #status <> :revoked",
            condition_values={":revoked": _s(states.REVOKED)},
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
                ":failure": _s(states.FAILURE),
                ":task": _s(message.task),
                ":queue": _s(message.queue),
                ":seconds": _n(now_ms / 1000),
                ":zero": _n(0),
                **self._end_values(meta, now_ms),
            },
            condition="attribute_not_exists(id) OR NOT #status IN (:success, :failure)",
            condition_values={":success": _s(states.SUCCESS)},
        )

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        record = self.get(task_id)
        if record is None:
            raise TaskNotFound
        error = ErrorInfo("TaskRevokedError", ["revoked"], "celery.exceptions")
        message = Message(record.task, task_id, queue=record.queue)
        meta = result_meta(message, states.REVOKED, error=error, at_ms=now_ms)
        revoked = self._update(
            task_id,
            "SET #status = :revoked, #result = :meta, lease_until_ms = :never,"
            " finished_at_ms = :now, #ttl = :ttl",
            {":revoked": _s(states.REVOKED), **self._end_values(meta, now_ms)},
            condition="#status IN (:pending, :retry, :revoked)",
            condition_values={":pending": _s(states.PENDING), ":retry": _s(states.RETRY)},
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
                ":pending": _s(states.PENDING),
                ":meta": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
                ":zero": _n(0),
                ":now": _n(now_ms),
                ":ttl": _n(self._pending_ttl(message, now_ms)),
            },
            condition="#status = :failure",
            condition_values={":failure": _s(states.FAILURE)},
        )

    def _pending_item(self, message: Message, now_ms: int) -> Item:
        item = {
            **_key(message.id),
            "result": {"B": result_meta(message, states.PENDING, at_ms=now_ms)},
            "timestamp": _n(now_ms / 1000),
            "ttl": _n(self._pending_ttl(message, now_ms)),
            "status": _s(states.PENDING),
            "task": _s(message.task),
            "queue": _s(message.queue),
            "attempt": _n(0),
            "returned": _n(0),
            "retries": _n(0),
            "lease_until_ms": _n(0),
            "enqueued_at_ms": _n(now_ms),
        }
        if message.eta_ms is not None:
            item["due_at_ms"] = _n(message.eta_ms)
        return item

    def _pending_ttl(self, message: Message, now_ms: int) -> int:
        due_ms = max(now_ms, message.eta_ms or 0)
        return due_ms // 1000 + max(self._result_ttl_seconds, MAX_WAIT_SECONDS)

    def _claim_parameters(self, claim: Claim, now_ms: int) -> Item:
        return {
            "Statement": self._claim_statement,
            "Parameters": [
                _n(claim.lease_until_ms),
                _n(claim.starts_at_ms(now_ms)),
                {"S": _id(claim.message.id)},
                _n(now_ms),
            ],
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _insert(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        """Claim tasks without a record: a stock Celery client writes none."""
        statements = [
            insert_statement(self._table, self._started_item(claim, now_ms)) for claim in claims
        ]
        try:
            responses = self._execute(statements)
        except StoreError as error:
            # Others of the batch may be claimed already.
            return [NotClaimed(str(error)) for _ in claims]
        return [_insert_outcome(response, now_ms) for response in responses]

    def _started_item(self, claim: Claim, now_ms: int) -> Item:
        return {
            **self._pending_item(claim.message, now_ms),
            "status": _s(states.STARTED),
            "attempt": _n(1),
            "lease_until_ms": _n(claim.lease_until_ms),
            "started_at_ms": _n(claim.starts_at_ms(now_ms)),
        }

    def _finish_parameters(self, end: Finish) -> Item:
        return {
            "Statement": self._finish_statement,
            "Parameters": [
                _s(end.status),
                {"B": end.meta},
                _n(end.claimable_at_ms),
                _n(end.retries),
                _n(end.at_ms),
                _n(self._finish_ttl(end)),
                {"S": _id(end.task_id)},
                _n(end.attempt),
            ],
        }

    def _finish_ttl(self, end: Finish) -> int:
        waits = end.claimable_at_ms != NEVER_MS
        kept_seconds = MAX_WAIT_SECONDS if waits else 0
        return end.at_ms // 1000 + max(self._result_ttl_seconds, kept_seconds)

    def _end_values(self, meta: bytes, now_ms: int) -> Item:
        return {
            ":meta": {"B": meta},
            ":never": _n(NEVER_MS),
            ":now": _n(now_ms),
            ":ttl": _n(now_ms // 1000 + self._result_ttl_seconds),
        }

    def _execute(self, statements: Sequence[Item]) -> list[Item]:
        """Run the statements, 25 a request; one that fails says so in its place.

        Raises:
            StoreError, Throttled: a request failed, or each of its statements for another reason
                than its condition.
        """
        responses: list[Item] = []
        for start in range(0, len(statements), MAX_STATEMENTS):
            responses.extend(self._execute_batch(statements[start : start + MAX_STATEMENTS]))
        return responses

    def _execute_batch(self, statements: Sequence[Item]) -> list[Item]:
        """Run up to 25 statements; try those again that were throttled one by one."""
        responses = self._request(statements)
        for tried in range(MAX_TRIES - 1):
            throttled = [index for index, entry in enumerate(responses) if _is_throttled(entry)]
            if not throttled:
                break
            self._sleep(random.uniform(0, 0.1 * 2**tried))
            again = self._request([statements[index] for index in throttled])
            for index, entry in zip(throttled, again, strict=True):
                responses[index] = entry
        codes = [_error_code(entry) for entry in responses]
        if all(code not in _ANSWERS for code in codes):
            raise store_error(str(codes[0]))
        return responses

    def _request(self, statements: Sequence[Item]) -> list[Item]:
        with store_errors():
            response = self._client.batch_execute_statement(Statements=list(statements))  # type: ignore[arg-type]
        return [dict(entry) for entry in response["Responses"]]

    def _add_part(
        self, task_id: str, expression: str, key: str, *, condition: str, values: Item
    ) -> Parts:
        names = {"#status": "status"} if "#status" in expression + condition else {}
        try:
            with store_errors():
                response = self._client.update_item(
                    TableName=self._table,
                    Key=_key(task_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues={":key": {"SS": [key]}, **values},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **({"ExpressionAttributeNames": names} if names else {}),  # type: ignore[arg-type]
                )
        except ClientError as error:
            return _parts(condition_item(error) or {})
        return _parts(dict(response["Attributes"]))

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
        names = {"#status": "status", "#result": "result", "#ttl": "ttl", "#timestamp": "timestamp"}
        text = f"{expression} {condition}"
        used = {name: attribute for name, attribute in names.items() if name in text}
        try:
            with store_errors():
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(task_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=used,
                    ExpressionAttributeValues={**values, **condition_values},
                )
        except ClientError:
            return False
        return True


def insert_statement(table: str, item: Item) -> Item:
    """Return the PartiQL statement, with its parameters, that writes a new item.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
    """
    values = ", ".join(f"'{attribute}': ?" for attribute in item)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{values}}}',
        "Parameters": list(item.values()),
    }


def _claim_outcome(response: Item) -> ClaimOutcome | None:
    """Return what became of a claim; None: there is no such record."""
    if _succeeded(response):
        item = response["Item"]
        attempt = _int(item, "attempt")
        return Claimed(attempt, _int(item, "retries"), attempt - 1 - _int(item, "returned"))
    code = str(_error_code(response))
    if code not in _ANSWERS:
        return NotClaimed(code)
    item = response["Error"].get("Item")
    if not item:
        return None
    until_ms = _int(item, "lease_until_ms")
    return AlreadyFinished(item["status"]["S"]) if until_ms == NEVER_MS else Leased(until_ms)


def _insert_outcome(response: Item, now_ms: int) -> ClaimOutcome:
    if _succeeded(response):
        return Claimed(attempt=1, retries=0, lost=0)
    code = str(_error_code(response))
    return Leased(now_ms) if code in _ANSWERS else NotClaimed(code)


def _known(message: Message, item: Item) -> Enqueued:
    if item.get("task", {}).get("S") != message.task:
        raise TaskIdTaken
    waiting = item["status"]["S"] in states.WAITING
    return Enqueued.WAITING if waiting else Enqueued.BEGUN


def _record(task_id: str, item: Item) -> TaskRecord:
    status = item["status"]["S"] if "status" in item else states.PENDING
    result, error = outcome_of(bytes(item["result"]["B"])) if "result" in item else (None, None)
    progress = item.get("progress", {}).get("S")
    return TaskRecord(
        id=task_id,
        task=item.get("task", {}).get("S", ""),
        queue=item.get("queue", {}).get("S", ""),
        status=status,
        result=result if status == states.SUCCESS else None,
        error=error if status != states.SUCCESS else None,
        attempts=_int(item, "attempt"),
        retries=_int(item, "retries"),
        progress=None if progress is None else json.loads(progress),
        parts=_parts(item) if "parts_planned" in item or "parts_done" in item else None,
        enqueued_at_ms=_optional_int(item, "enqueued_at_ms"),
        started_at_ms=_optional_int(item, "started_at_ms"),
        finished_at_ms=_optional_int(item, "finished_at_ms") if status in states.FINISHED else None,
        due_at_ms=_optional_int(item, "due_at_ms"),
    )


def _parts(item: Item) -> Parts:
    planned = item.get("parts_planned", {}).get("SS", [])
    done = item.get("parts_done", {}).get("SS", [])
    return Parts(frozenset(planned), frozenset(done))


def _succeeded(response: Item) -> bool:
    return "Error" not in response


def _error_code(response: Item) -> str | None:
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _is_throttled(response: Item) -> bool:
    return _error_code(response) in THROTTLING_CODES


def _id(task_id: str) -> str:
    return f"b'celery-task-meta-{task_id}'"


def _key(task_id: str) -> Item:
    return {"id": {"S": _id(task_id)}}


def _s(value: str) -> Item:
    return {"S": value}


def _n(value: float) -> Item:
    return {"N": str(value)}


def _int(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def _optional_int(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None
