"""Task records in DynamoDB, in the shape of Celery's DynamoDB result backend.

What is written stands in `item`, `statements` and `updates`; here it is only sent.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from taskqueue import clock
from taskqueue.aws.batch_items import Lookup, get_items
from taskqueue.aws.errors import ConditionFailed, store_error, store_errors
from taskqueue.aws.partiql import (
    ANSWERS,
    MAX_STATEMENTS,
    Response,
    Statement,
    Statements,
    failed_response,
    insert_statement,
    statement_error,
)
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import (
    StoreError,
    TaskAlreadyStarted,
    TaskIdTaken,
    TaskNotFound,
    TaskQueueError,
)
from taskqueue.groups import shard_item
from taskqueue.groups.part import Part, PartEnd, shards_of
from taskqueue.groups.progress import Parts, PartsPlan
from taskqueue.groups.shard import Shard
from taskqueue.message import Message
from taskqueue.records import statements, states, updates
from taskqueue.records.hop import Hop
from taskqueue.records.item import (
    Item,
    has_expired,
    item_id,
    item_key,
    number,
    pending_item,
    read_held,
    read_parts,
    read_record,
    revoked_item,
    string,
)
from taskqueue.records.lease import Claim, ClaimOutcome
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.publishes import of_publish
from taskqueue.records.record import TaskRecord
from taskqueue.records.retention import Retention
from taskqueue.records.store import Enqueued, Finish, Finished, is_revoked_unseen
from taskqueue.records.updates import Update

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# A claim is asked for again when it finds no record, or one that has moved on.
MAX_CLAIM_ROUNDS = 4


class DynamoTaskStore:
    """The `TaskStore` of the deployed stack.

    `result_ttl_seconds`: how long a finished task's result is shown.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        result_ttl_seconds: int,
        patience: Patience = PATIENCE,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._client = client
        self._patience = patience
        self._statements = Statements(client, patience)
        self._table = table
        self._retention = Retention(result_ttl_seconds)
        self._now_ms = now_ms

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        found = self._insert(pending_item(message, now_ms, self._retention), now_ms)
        return Enqueued.NEW if found is None else self._known(message, found, now_ms)

    def enqueue_many(self, messages: Sequence[Message], now_ms: int) -> list[Enqueued]:
        new: list[Message] = []
        found: list[Enqueued] = []
        try:
            for batch in itertools.batched(messages, MAX_STATEMENTS, strict=False):
                responses = self._statements.execute(
                    [self.insertion(message, now_ms) for message in batch]
                )
                said = list(zip(batch, map(statement_error, responses), strict=True))
                new += [message for message, code in said if code is None]
                found += [self._found(message, code, now_ms) for message, code in said]
        except TaskQueueError:
            for message in new:
                with suppress(StoreError):
                    self.forget(message.id)
            raise
        return found

    def insertion(self, message: Message, now_ms: int) -> Statement:
        """Return the statement that writes a new record, for a request of several."""
        return insert_statement(self._table, pending_item(message, now_ms, self._retention))

    def forget(self, task_id: str) -> None:
        try:
            with store_errors():
                self._client.delete_item(**self.deletion(task_id))
        except ConditionFailed:
            return

    def deletion(self, task_id: str) -> Any:
        """Return the arguments of the delete that removes a record which nobody has claimed."""
        return {
            "TableName": self._table,
            "Key": item_key(task_id),
            "ConditionExpression": "attribute_not_exists(id) OR attempt = :none",
            "ExpressionAttributeValues": {":none": number(0)},
        }

    def claim(self, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        outcomes: dict[int, ClaimOutcome] = {}
        asked = {
            index: statements.first_claim(self._table, claim, now_ms)
            for index, claim in enumerate(claims)
        }
        for round_number in range(MAX_CLAIM_ROUNDS):
            responses = self._execute_claims(list(asked.values()), is_first=round_number == 0)
            answered = dict(zip(asked, responses, strict=True))
            asked = {}
            for index, response in answered.items():
                claim = claims[index]
                outcomes[index] = statements.claim_outcome(claim, response)
                again = statements.next_claim(self._table, claim, response, now_ms, self._retention)
                if again:
                    asked[index] = again
            if not asked:
                break
        return [outcomes[index] for index in range(len(claims))]

    def finish(self, ends: Sequence[Finish]) -> list[Finished]:
        responses = self._statements.execute(
            [statements.finish(self._table, end, self._retention) for end in ends]
        )
        return [statements.finished(response) for response in responses]

    def take_hop(self, hop: Hop, now_ms: int) -> bool:
        update = updates.take_hop(hop, self._retention.of_waiting(hop.due_at_ms), now_ms)
        return self._is_changed({"id": string(hop.key)}, update)

    def release(self, task_id: str, attempt: int) -> bool:
        return self._is_updated(task_id, updates.release(attempt))

    def get(self, task_id: str) -> TaskRecord | None:
        item = self._item(task_id)
        if not item or has_expired(item, self._now_ms()):
            return None
        return self._retention.shown(read_record(task_id, item), self._now_ms())

    def get_many(self, task_ids: Sequence[str]) -> dict[str, TaskRecord]:
        by_key = {item_id(task_id): task_id for task_id in task_ids}
        keys = [item_key(task_id) for task_id in by_key.values()]
        items = get_items(self._client, self._table, keys, consistent=True, patience=self._patience)
        ids = [by_key[item["id"]["S"]] for item in items]
        return {
            task_id: self._retention.shown(read_record(task_id, item), self._now_ms())
            for task_id, item in zip(ids, items, strict=True)
            if not has_expired(item, self._now_ms())
        }

    def lookup(self, task_id: str) -> Lookup:
        """Return the look-up of a record, for a request of several."""
        return Lookup(self._table, item_key(task_id))

    def shard_lookup(self, part: Part) -> Lookup:
        """Return the look-up of a part's shard, for a request of several."""
        return Lookup(self._table, shard_item.shard_key(part.whole_id, part.shard))

    def set_progress(self, task_id: str, attempt: int, progress: Any) -> bool:
        return self._is_updated(task_id, updates.set_progress(attempt, progress))

    def set_meta(self, task_id: str, attempt: int, meta: bytes) -> bool:
        return self._is_updated(task_id, updates.set_meta(attempt, meta))

    def plan_parts(self, task_id: str, attempt: int, plan: PartsPlan) -> bool:
        return self._is_updated(task_id, updates.plan_parts(attempt, plan))

    def complete(self, message: Message, result: Any, now_ms: int, told: str) -> bool:
        update = updates.complete(message, result, now_ms, told, self._retention)
        return self._is_updated(message.id, update)

    def finish_part(self, part: Part, end: PartEnd, now_ms: int) -> Shard:
        update = shard_item.end_update(part, end, self._retention.of_waiting(now_ms), now_ms)
        return self._update_shard(part.whole_id, part.shard, update, now_ms)

    def set_group_size(self, whole_id: str, size: int, now_ms: int) -> Shard:
        update = shard_item.size_update(size, self._retention.of_waiting(now_ms), now_ms)
        return self._update_shard(whole_id, shards_of(size) - 1, update, now_ms)

    def tell_shard(self, whole_id: str, told: str) -> Parts | None:
        try:
            with store_errors():
                response = self._client.update_item(
                    TableName=self._table,
                    Key=item_key(whole_id),
                    ReturnValues="ALL_NEW",
                    **updates.tell_shard(told).arguments(),
                )
        except ConditionFailed:
            return None
        return read_parts(dict(response["Attributes"]))

    def shards(self, whole_id: str, numbers: Sequence[int]) -> list[Shard]:
        keys = {number: shard_item.shard_key(whole_id, number) for number in numbers}
        items = get_items(
            self._client,
            self._table,
            list(keys.values()),
            consistent=True,
            patience=self._patience,
        )
        kept = [item for item in items if not has_expired(item, self._now_ms())]
        found = {item["id"]["S"]: item for item in kept}
        return [
            shard_item.read_shard(number, found.get(key["id"]["S"], {}))
            for number, key in keys.items()
        ]

    def fail(
        self, message: Message, error: ErrorInfo, now_ms: int, attempt: int | None = None
    ) -> bool:
        update = updates.fail(message, error, now_ms, self._retention, attempt)
        try:
            key = item_key(message.id)
            self._change(key, update, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except ConditionFailed as failed:
            # Only the record knows the turn of a message that was published again.
            publishes = read_held(failed.item).publishes
            number = publishes.number_of(message)
            if message.publish is None or number == 0 or publishes.is_next(message):
                return False
            return self.fail(of_publish(message, number), error, now_ms, attempt)
        return True

    def revoke(self, task_id: str, now_ms: int) -> TaskRecord:
        record = self.get(task_id)
        if record is None:
            raise TaskNotFound
        if not self._is_updated(task_id, updates.revoke(record, now_ms, self._retention)):
            raise TaskAlreadyStarted
        return self.get(task_id) or record

    def revoke_unseen(self, task_id: str, now_ms: int) -> bool:
        return self._insert(revoked_item(task_id, now_ms, self._retention), now_ms) is None

    def reset(self, message: Message, now_ms: int) -> bool:
        return self._is_updated(message.id, updates.reset(message, now_ms, self._retention))

    def _execute_claims(self, claims: Sequence[Statement], *, is_first: bool) -> Sequence[Response]:
        try:
            return self._statements.execute(claims)
        except StoreError as error:
            if is_first:
                raise
            # Others of the batch may be claimed already.
            return [failed_response(str(error)) for _ in claims]

    def _found(self, message: Message, code: str | None, now_ms: int) -> Enqueued:
        """Return what `insertion` found, whose answer is `code`."""
        if code is None:
            return Enqueued.NEW
        if code not in ANSWERS:
            raise store_error(str(code))
        item = self._item(message.id)
        if has_expired(item, now_ms):
            return self.enqueue(message, now_ms)
        return self._known(message, item, now_ms)

    def _known(self, message: Message, item: Item, now_ms: int) -> Enqueued:
        """Return how far the task is whose item has the id of `message`."""
        name = item.get("task", {}).get("S")
        if is_revoked_unseen(name, item["status"]["S"]):
            self._is_updated(message.id, updates.keep_revoked(message, now_ms, self._retention))
            return Enqueued.WAITING
        if name != message.task:
            raise TaskIdTaken
        if read_held(item).publishes.is_next(message):
            return Enqueued.ANOTHER
        waiting = item["status"]["S"] in states.WAITING
        return Enqueued.WAITING if waiting else Enqueued.BEGUN

    def _insert(self, item: Item, now_ms: int) -> Item | None:
        """Write a new record; return the one that is there already, if one is."""
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(id) OR #ttl <= :now",
                    ExpressionAttributeNames={"#ttl": "ttl"},
                    ExpressionAttributeValues={":now": number(now_ms // 1000)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as error:
            return error.item
        return None

    def _item(self, task_id: str) -> Item:
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=item_key(task_id), ConsistentRead=True
            )
        return dict(response.get("Item") or {})

    def _is_updated(self, task_id: str, update: Update) -> bool:
        """Update one record; False where its condition does not hold."""
        return self._is_changed(item_key(task_id), update)

    def _is_changed(self, key: Item, update: Update) -> bool:
        try:
            self._change(key, update)
        except ConditionFailed:
            return False
        return True

    def _change(self, key: Item, update: Update, **returned: Any) -> None:
        arguments: Any = {**update.arguments(), **returned}
        with store_errors():
            self._client.update_item(TableName=self._table, Key=key, **arguments)

    def _update_shard(
        self, whole_id: str, number: int, update: Mapping[str, Any], now_ms: int
    ) -> Shard:
        """Update a shard; one that has expired, of an earlier task of that id, is removed first."""
        place: Any = {"TableName": self._table, "Key": shard_item.shard_key(whole_id, number)}
        try:
            with store_errors():
                response = self._client.update_item(**place, **update, ReturnValues="ALL_NEW")
        except ConditionFailed:
            with suppress(ConditionFailed), store_errors():
                self._client.delete_item(**place, **shard_item.deletion_of_expired(now_ms))
            return self._update_shard(whole_id, number, update, now_ms)
        return shard_item.read_shard(number, dict(response["Attributes"]))
