"""What the store makes of a batch of which the database refuses a part."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from taskqueue.aws.partiql import MAX_STATEMENTS
from taskqueue.aws.unprocessed import MAX_TRIES, Patience
from taskqueue.errors import StoreError, Throttled
from taskqueue.message import Message
from taskqueue.records.dynamodb import MAX_CLAIM_ROUNDS, DynamoTaskStore
from taskqueue.records.item import item_id
from taskqueue.records.lease import Claim, Claimed, HeldByOther, NotClaimed
from taskqueue.records.states import SUCCESS
from taskqueue.records.store import Finish, Finished

NOW_MS = 1_795_370_400_000
DONE: dict[str, Any] = {}
UNKNOWN = {"Error": {"Code": "ConditionalCheckFailed"}}
TAKEN = {"Error": {"Code": "DuplicateItem"}}
BUSY = {"Error": {"Code": "ThrottlingError"}}
INVALID = {"Error": {"Code": "ValidationError"}}


def item(attempt: int, holder: str = "m-0") -> dict[str, Any]:
    """Return an item that this process's own claim has written, unless it has another holder."""
    numbers = {"attempt": attempt, "returned": attempt - 1, "lease_until_ms": NOW_MS + 1}
    return {
        "status": {"S": "STARTED"},
        "holder": {"S": holder},
        "nonce": {"S": "n-0"},
        **{name: {"N": str(number)} for name, number in numbers.items()},
    }


def claimed(attempt: int) -> dict[str, Any]:
    return {"Item": item(attempt)}


def refused_claim(holder: str) -> dict[str, Any]:
    return {"Error": {"Code": "ConditionalCheckFailed", "Item": item(1, holder)}}


class Database:
    """Answers each request with the next of its scripted responses."""

    def __init__(self, *script: Any) -> None:
        self._script = list(script)
        self.requests: list[list[Any]] = []
        self.deleted: list[str] = []

    def batch_execute_statement(self, *, Statements: list[Any]) -> dict[str, Any]:  # noqa: N803
        self.requests.append(Statements)
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Responses": answer}

    def delete_item(self, *, Key: Any, **_: Any) -> None:  # noqa: N803
        self.deleted.append(Key["id"]["S"])


def store_on(database: Any) -> DynamoTaskStore:
    return DynamoTaskStore(database, "tasks", 60, patience=Patience(sleep=lambda _seconds: None))


def claims(number: int) -> list[Claim]:
    return [
        Claim(Message("t", f"id-{index}"), NOW_MS + 1, f"m-{index}", "n-0")
        for index in range(number)
    ]


def ends(number: int) -> list[Finish]:
    return [Finish(f"id-{index}", 1, 0, SUCCESS, b"{}", 0, NOW_MS) for index in range(number)]


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "BatchExecuteStatement")


def test_a_throttled_statement_is_tried_again_by_itself() -> None:
    database = Database([claimed(1), BUSY, claimed(1)], [claimed(3)])
    outcomes = store_on(database).claim(claims(3), NOW_MS)
    assert outcomes == [Claimed(1, 0, 0), Claimed(3, 0, 0), Claimed(1, 0, 0)]
    assert [len(request) for request in database.requests] == [3, 1]


def test_a_claim_that_the_database_refuses_does_not_lose_the_others() -> None:
    database = Database([claimed(1), INVALID])
    outcomes = store_on(database).claim(claims(2), NOW_MS)
    assert outcomes == [Claimed(1, 0, 0), NotClaimed("ValidationError")]


def test_a_claim_that_stays_throttled_does_not_lose_the_others() -> None:
    database = Database([claimed(1), BUSY], *[[BUSY]] * (MAX_TRIES - 1))
    outcomes = store_on(database).claim(claims(2), NOW_MS)
    assert outcomes == [Claimed(1, 0, 0), NotClaimed("ThrottlingError")]


def test_when_all_claims_are_throttled_the_store_is() -> None:
    with pytest.raises(Throttled):
        store_on(Database(*[[BUSY, BUSY]] * MAX_TRIES)).claim(claims(2), NOW_MS)


@pytest.mark.parametrize("answer", [[INVALID], refused("ThrottlingException")])
def test_tasks_without_a_record_whose_insert_fails_do_not_lose_the_others(answer: Any) -> None:
    database = Database([claimed(1), UNKNOWN], answer)
    first, second = store_on(database).claim(claims(2), NOW_MS)
    assert first == Claimed(1, 0, 0)
    assert isinstance(second, NotClaimed)


def test_who_loses_the_insert_finds_the_task_held_by_another() -> None:
    database = Database([UNKNOWN, UNKNOWN], [DONE, TAKEN], [refused_claim("m-9")])
    assert store_on(database).claim(claims(2), NOW_MS) == [Claimed(1, 0, 0), HeldByOther("m-9")]


def test_an_insert_whose_answer_was_lost_knows_itself() -> None:
    database = Database([UNKNOWN, UNKNOWN], [TAKEN, TAKEN], [refused_claim("m-0")] * 2)
    assert store_on(database).claim(claims(2), NOW_MS) == [Claimed(1, 0, 0), HeldByOther("m-0")]


def test_a_repeated_request_that_fails_does_not_lose_what_the_first_has_done() -> None:
    database = Database([claimed(1), BUSY], refused("ThrottlingException"))
    outcomes = store_on(database).claim(claims(2), NOW_MS)
    assert outcomes == [Claimed(1, 0, 0), NotClaimed("ThrottlingError")]


def test_a_record_that_comes_and_goes_is_not_asked_for_without_end() -> None:
    database = Database(*[[UNKNOWN], [TAKEN]] * (MAX_CLAIM_ROUNDS // 2))
    (outcome,) = store_on(database).claim(claims(1), NOW_MS)
    assert isinstance(outcome, NotClaimed)


def test_an_end_that_the_database_refuses_does_not_lose_the_others() -> None:
    database = Database([DONE, INVALID, UNKNOWN, BUSY], *[[BUSY]] * (MAX_TRIES - 1))
    assert store_on(database).finish(ends(4)) == [
        Finished.WRITTEN,
        Finished.REFUSED,
        Finished.LOST,
        Finished.FAILED,
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("ThrottlingException"), Throttled),
        (refused("ProvisionedThroughputExceededException"), Throttled),
        (refused("AccessDeniedException"), StoreError),
        (ReadTimeoutError(endpoint_url="x"), StoreError),
        ([INVALID, INVALID], StoreError),
    ],
    ids=str,
)
def test_a_request_that_fails_is_the_project_s_error(answer: Any, error: type[StoreError]) -> None:
    with pytest.raises(error):
        store_on(Database(answer)).finish(ends(2))


def test_when_a_later_request_fails_the_new_records_of_the_first_are_removed() -> None:
    messages = [claim.message for claim in claims(30)]
    database = Database([DONE] * MAX_STATEMENTS, refused("ThrottlingException"))
    with pytest.raises(Throttled):
        store_on(database).enqueue_many(messages, NOW_MS)
    assert database.deleted == [item_id(message.id) for message in messages[:MAX_STATEMENTS]]


def test_nothing_to_do_is_no_request() -> None:
    database = Database()
    assert store_on(database).claim([], NOW_MS) == []
    assert store_on(database).finish([]) == []
    assert database.requests == []
