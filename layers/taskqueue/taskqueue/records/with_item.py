"""A task's record and an item of the caller's, written in one request: both or neither."""

from typing import TYPE_CHECKING, Any, NamedTuple

from taskqueue.aws.errors import ConditionFailed, store_error, store_errors
from taskqueue.aws.partiql import ANSWERS, Statements, insert_statement, statement_error
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import StoreError
from taskqueue.message import Message
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.store import Enqueued

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class NewItem(NamedTuple):
    """An item that is not there yet, and the attributes of it that are its key."""

    table: str
    key: dict[str, Any]
    item: dict[str, Any]


class RecordWithItem:
    """A `Recorder` of one task that writes and takes back an item together with its record.

    The ids of both must be new: what is there already under one of them was written by this same
    request, sent again by the client because its answer was lost.

    Two statements in one request cost one write unit each, where a transaction would cost two. What
    one of them wrote is taken back if the other fails, by a transaction: no half stays behind.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        store: DynamoTaskStore,
        new: NewItem,
        patience: Patience = PATIENCE,
    ) -> None:
        self._client = client
        self._statements = Statements(client, patience)
        self._store = store
        self._new = new

    def enqueue(self, message: Message, now_ms: int) -> Enqueued:
        """Write the record, PENDING, and the item.

        Raises:
            StoreError, Throttled: neither was written.
        """
        try:
            self._insert(message, now_ms)
        except StoreError:
            self.forget(message.id)
            raise
        return Enqueued.NEW

    def forget(self, task_id: str) -> None:
        """Remove both, unless the task has begun: then its message was sent after all.

        Raises:
            StoreError, Throttled: both are as they were.
        """
        delete_item: Any = {"TableName": self._new.table, "Key": self._new.key}
        try:
            with store_errors():
                self._client.transact_write_items(
                    TransactItems=[
                        {"Delete": self._store.deletion(task_id)},
                        {"Delete": delete_item},
                    ]
                )
        except ConditionFailed:
            return

    def _insert(self, message: Message, now_ms: int) -> None:
        statements = [
            self._store.insertion(message, now_ms),
            insert_statement(self._new.table, self._new.item),
        ]
        for response in self._statements.execute(statements):
            code = statement_error(response)
            if code not in ANSWERS:
                raise store_error(str(code))
