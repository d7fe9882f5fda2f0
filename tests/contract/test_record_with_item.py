"""A record and an item of the caller's: both are written, or neither stays."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from taskqueue.aws.unprocessed import Patience
from taskqueue.errors import StoreError, Throttled
from taskqueue.message import Message
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.lease import Claim, Claimed
from taskqueue.records.store import Enqueued
from taskqueue.records.with_item import NewItem, RecordWithItem
from tests.support.dynamodb_tables import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_795_370_400_000
BUSY = {"Error": {"Code": "ThrottlingError", "Message": ""}}
INVALID = {"Error": {"Code": "ValidationError", "Message": ""}}
UNREACHABLE = EndpointConnectionError(endpoint_url="x")


@dataclass
class Faulty:
    """A DynamoDB of which single statements fail, or that does not answer what it did.

    `fails` says of a statement whether it fails now, with `error`.
    """

    client: "DynamoDBClient"
    fails: Callable[[str], bool] = lambda statement: False
    error: dict[str, Any] = field(default_factory=lambda: BUSY)
    is_answer_lost: bool = False
    is_deletion_refused: bool = False

    def batch_execute_statement(self, *, Statements: list[Any]) -> dict[str, Any]:  # noqa: N803
        responses = [self._execute(statement) for statement in Statements]
        if self.is_answer_lost:
            raise UNREACHABLE
        return {"Responses": responses}

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.is_deletion_refused:
            code = "ThrottlingException"
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "TransactWriteItems")
        return self.client.transact_write_items(**arguments)

    def _execute(self, statement: Any) -> Any:
        if self.fails(statement["Statement"]):
            return self.error
        (response,) = self.client.batch_execute_statement(Statements=[statement])["Responses"]
        return response


class Pair:
    """A task's record and an item, neither of which is there yet."""

    def __init__(self, client: "DynamoDBClient", tables: tuple[str, str]) -> None:
        self.client = client
        self.database = Faulty(client)
        self.tables = tables
        self.store = DynamoTaskStore(client, tables[0], 3_600)
        self.message = Message("add", str(uuid.uuid4()), [1], queue="work")
        self.key = {"pk": {"S": self.message.id}}
        content = {"text": {"S": "é"}, "links": {"L": [{"S": "a"}]}, "none": {"L": []}}
        new = NewItem(tables[1], self.key, {**self.key, **content})
        self.item = new.item
        faulty = cast("DynamoDBClient", self.database)
        self.recorder = RecordWithItem(faulty, self.store, new, Patience(lambda _seconds: None))

    def enqueue(self) -> Enqueued:
        return self.recorder.enqueue(self.message, NOW_MS)

    def claim(self) -> None:
        (outcome,) = self.store.claim([Claim(self.message, NOW_MS + 1_000, "m-1", "n-0")], NOW_MS)
        assert outcome == Claimed(1, 0, 0)

    def stored(self) -> tuple[bool, bool]:
        """Whether there are a record and an item."""
        item = self.client.get_item(TableName=self.tables[1], Key=self.key).get("Item")
        assert item in (None, self.item)
        return self.store.get(self.message.id) is not None, item is not None


@pytest.fixture(scope="module")
def tables(request: pytest.FixtureRequest) -> tuple[str, str]:
    client = request.getfixturevalue("ministack_dynamodb")
    return create_table(client, "id"), create_table(client, "pk")


@pytest.fixture
def pair(ministack_dynamodb: "DynamoDBClient", tables: tuple[str, str]) -> Pair:
    return Pair(ministack_dynamodb, tables)


def test_both_are_written(pair: Pair) -> None:
    assert pair.enqueue() is Enqueued.NEW
    assert pair.stored() == (True, True)
    record = pair.store.get(pair.message.id)
    assert record is not None
    assert (record.status, record.enqueued_at_ms, record.attempts) == ("PENDING", NOW_MS, 0)
    pair.claim()


def test_a_request_that_is_sent_again_by_the_client_finds_its_own(pair: Pair) -> None:
    pair.enqueue()
    assert pair.enqueue() is Enqueued.NEW
    assert pair.stored() == (True, True)


@pytest.mark.parametrize("half", [0, 1])
def test_a_half_that_is_throttled_is_written_again_by_itself(pair: Pair, half: int) -> None:
    asked: list[str] = []

    def fails_once(statement: str) -> bool:
        asked.append(statement)
        return pair.tables[half] in statement and asked.count(statement) == 1

    pair.database.fails = fails_once
    assert pair.enqueue() is Enqueued.NEW
    assert pair.stored() == (True, True)
    assert len(asked) == 3


@pytest.mark.parametrize("error", [BUSY, INVALID])
@pytest.mark.parametrize("halves", [[0], [1], [0, 1]])
def test_when_a_half_fails_neither_stays(
    pair: Pair, halves: list[int], error: dict[str, Any]
) -> None:
    failing = [pair.tables[half] for half in halves]
    pair.database.fails = lambda statement: any(table in statement for table in failing)
    pair.database.error = error
    with pytest.raises(Throttled if error is BUSY else StoreError):
        pair.enqueue()
    assert pair.stored() == (False, False)


def test_when_the_answer_is_lost_neither_stays(pair: Pair) -> None:
    pair.database.is_answer_lost = True
    with pytest.raises(StoreError):
        pair.enqueue()
    assert pair.stored() == (False, False)


def test_both_are_taken_back_and_again(pair: Pair) -> None:
    pair.enqueue()
    for _ in range(2):
        pair.recorder.forget(pair.message.id)
        assert pair.stored() == (False, False)


def test_when_they_cannot_be_taken_back_both_stay(pair: Pair) -> None:
    pair.enqueue()
    pair.database.is_deletion_refused = True
    with pytest.raises(Throttled):
        pair.recorder.forget(pair.message.id)
    assert pair.stored() == (True, True)


def test_a_task_that_has_begun_stays_with_its_item(pair: Pair) -> None:
    pair.enqueue()
    pair.claim()
    pair.recorder.forget(pair.message.id)
    assert pair.stored() == (True, True)
