"""DynamoDB's own rules, each with its source, and the stores under them.

moto has some of these rules; where it is kinder than AWS, `StrictDynamoDB` refuses what AWS would.
The contract suites hold the stores to the local AWS's rules, too.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from taskqueue.dead_letters.letter import DeadLetter, dead_letter_id
from taskqueue.dead_letters.store import DeadLetterStore
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.lease import Claim
from taskqueue.records.meta import result_meta
from taskqueue.records.store import Finish
from tests.support.dynamodb_tables import create_table
from tests.unit.taskqueue.deliveries import NOW_MS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DAY_SECONDS = 24 * 60 * 60
MAX_STATEMENTS = 25


@pytest.fixture
def dynamodb() -> "Iterator[DynamoDBClient]":
    with mock_aws():
        yield boto3.client("dynamodb", region_name="eu-west-1")


class StrictDynamoDB:
    """Refuses a batch of PartiQL that AWS would; carries the statements of any other out."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def batch_execute_statement(self, *, Statements: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        kinds = {one["Statement"].split()[0] == "SELECT" for one in Statements}
        if len(kinds) != 1 or len(Statements) > MAX_STATEMENTS:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "BatchExecuteStatement")
        self.batches.append(len(Statements))
        return {"Responses": [{} for _ in Statements]}


def end(message: Message) -> Finish:
    meta = result_meta(message, states.SUCCESS, at_ms=NOW_MS)
    return Finish(message.id, 1, 0, states.SUCCESS, meta, retries=0, at_ms=NOW_MS)


def test_a_batch_of_statements_has_25_at_most_and_all_of_them_write() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html"""
    strict: Any = StrictDynamoDB()
    store = DynamoTaskStore(strict, "tasks", DAY_SECONDS)
    tasks = [Message("add", f"id-{number}", queue="work") for number in range(60)]
    store.enqueue_many(tasks, NOW_MS)
    store.claim([Claim(one, NOW_MS, "m", "n") for one in tasks], NOW_MS)
    store.finish([end(one) for one in tasks])
    assert strict.batches == [25, 25, 10] * 3


@pytest.mark.parametrize(("length", "is_taken"), [(399_000, True), (410_000, False)])
def test_an_item_has_400_kb(dynamodb: "DynamoDBClient", length: int, is_taken: bool) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    table = create_table(dynamodb, "id")
    item = {"id": {"S": "a"}, "text": {"S": "x" * length}}
    if is_taken:
        dynamodb.put_item(TableName=table, Item=item)
    else:
        with pytest.raises(ClientError, match="size has exceeded"):
            dynamodb.put_item(TableName=table, Item=item)


def letter(number: int) -> DeadLetter:
    # No two bytes of it can be packed into one: an item near 400 KB.
    body = "".join(chr(0x4E00 + (number * 7919 + at * 7907) % 20_000) for at in range(100_000))
    return DeadLetter(
        dead_letter_id("work", NOW_MS + number, "m"), "work", "a reason", body, NOW_MS
    )


def test_a_page_ends_at_1_mb_and_a_short_or_empty_one_is_not_the_end(
    dynamodb: "DynamoDBClient",
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html"""
    table = create_table(dynamodb, "queue", "id")
    store = DeadLetterStore(dynamodb, table)
    letters = [letter(number) for number in range(8)]
    for one in letters:
        store.put(one)
    found, next_id, pages = [], None, 0
    while pages == 0 or next_id:
        page = store.page("work", 100, next_id)
        found += [one.id for one in page.letters]
        next_id, pages = page.next_id, pages + 1
    assert pages > 1
    assert found == [one.id for one in reversed(letters)]


def test_what_has_expired_is_gone_though_dynamodb_takes_days_to_delete_it(
    dynamodb: "DynamoDBClient",
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html"""
    now_ms = NOW_MS
    table = create_table(dynamodb, "id")
    store = DynamoTaskStore(dynamodb, table, DAY_SECONDS, now_ms=lambda: now_ms)
    store.enqueue(Message("add", "a", queue="work"), NOW_MS)
    assert store.get("a") is not None
    now_ms += 30 * DAY_SECONDS * 1000
    assert store.get("a") is None
    assert store.get_many(["a"]) == {}
    assert dynamodb.scan(TableName=table)["Count"] == 1
