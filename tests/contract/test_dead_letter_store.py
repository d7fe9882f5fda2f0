"""The table of dead letters, on moto and on the local AWS."""

import random
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.dead_letters.letter import DeadLetter, dead_letter_id
from taskqueue.dead_letters.store import MAX_BODY_PIECE_BYTES, DeadLetterStore
from taskqueue.errors import StoreError
from taskqueue.message import MAX_BYTES
from tests.support.dynamodb_tables import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_795_370_400_000


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    return create_table(dynamodb, "queue", "id")


@pytest.fixture
def store(dynamodb: "DynamoDBClient", table: str) -> DeadLetterStore:
    return DeadLetterStore(dynamodb, table)


def letter(number: int = 0, queue: str = "work", body: str = "body") -> DeadLetter:
    sent_at_ms = NOW_MS + number
    return DeadLetter(
        id=dead_letter_id(queue, sent_at_ms, f"message-{number}"),
        queue=queue,
        reason="because",
        body=body,
        received_at_ms=sent_at_ms + 5,
        task_id=f"task-{number}",
        task="add",
    )


def incompressible(length: int) -> str:
    chance = random.Random(7)
    return "".join(map(chr, chance.choices(range(0x20, 0xD7FF), k=length)))


def test_a_letter_is_read_as_it_was_put(store: DeadLetterStore) -> None:
    store.put(letter())
    assert store.get(letter().id) == letter()


def test_what_could_not_be_read_of_a_message_is_none(store: DeadLetterStore) -> None:
    unread = DeadLetter(
        dead_letter_id("work", NOW_MS, "m"), "work", "junk", "\u00e9 junk \n", NOW_MS
    )
    store.put(unread)
    assert store.get(unread.id) == unread


@pytest.mark.parametrize("body", ["", "x" * MAX_BYTES, incompressible(MAX_BYTES // 3)], ids=len)
def test_any_body_that_sqs_holds_is_kept_whole(store: DeadLetterStore, body: str) -> None:
    assert len(body.encode()) <= MAX_BYTES
    store.put(letter(body=body))
    assert store.get(letter().id) == letter(body=body)


def test_putting_a_letter_again_changes_nothing(store: DeadLetterStore) -> None:
    store.put(letter())
    store.put(letter())
    assert [found.id for found in store.page("work", limit=10).letters] == [letter().id]


def test_an_unknown_letter_is_none(store: DeadLetterStore) -> None:
    store.put(letter())
    assert store.get(letter(1).id) is None
    assert store.get("odd") is None


def test_a_deleted_letter_leaves_nothing(
    store: DeadLetterStore, dynamodb: "DynamoDBClient", table: str
) -> None:
    large = letter(body=incompressible(MAX_BYTES // 3))
    assert len(large.body.encode()) > 2 * MAX_BODY_PIECE_BYTES
    store.put(large)
    assert dynamodb.scan(TableName=table)["Count"] > 2
    store.delete(large.id)
    store.delete(large.id)
    assert store.get(large.id) is None
    assert dynamodb.scan(TableName=table)["Count"] == 0


def test_a_large_letter_that_is_removed_while_it_is_read_is_none(
    store: DeadLetterStore, dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    large = letter(body=incompressible(MAX_BYTES // 3))
    store.put(large)
    get_item = dynamodb.get_item

    def get_and_be_overtaken(**request: Any) -> Any:
        found = get_item(**request)
        monkeypatch.undo()
        store.delete(large.id)
        return found

    monkeypatch.setattr(dynamodb, "get_item", get_and_be_overtaken)
    assert store.get(large.id) is None


def test_pages_are_newest_first_and_of_one_queue(store: DeadLetterStore) -> None:
    for number in range(5):
        store.put(letter(number))
    store.put(letter(9, queue="other"))
    first = store.page("work", limit=2)
    assert [found.task_id for found in first.letters] == ["task-4", "task-3"]
    assert {found.body for found in first.letters} == {""}
    second = store.page("work", limit=2, after_id=first.next_id)
    third = store.page("work", limit=2, after_id=second.next_id)
    assert [found.task_id for found in (*second.letters, *third.letters)] == [
        "task-2",
        "task-1",
        "task-0",
    ]
    assert third.next_id is None


def test_a_page_that_is_cut_at_a_megabyte_goes_on(store: DeadLetterStore) -> None:
    body = incompressible(MAX_BYTES // 4)
    for number in range(7):
        store.put(letter(number, body=body))
    found: list[str] = []
    next_id = None
    while not found or next_id:
        page = store.page("work", limit=100, after_id=next_id)
        assert len(page.letters) < 7
        found += [one.id for one in page.letters]
        next_id = page.next_id
    assert found == [letter(number).id for number in reversed(range(7))]


def test_an_empty_queue_is_an_empty_page(store: DeadLetterStore) -> None:
    page = store.page("work", limit=10)
    assert (list(page.letters), page.next_id) == ([], None)


def test_the_bodies_of_large_letters_are_not_listed(store: DeadLetterStore) -> None:
    store.put(letter(body=incompressible(MAX_BYTES // 3)))
    assert len(store.page("work", limit=10).letters) == 1


def test_a_queue_whose_name_has_a_dot(store: DeadLetterStore) -> None:
    dotted = letter(queue="work.fifo", body=incompressible(MAX_BYTES // 3))
    store.put(dotted)
    found = store.get(dotted.id)
    assert found is not None
    assert found.body == dotted.body
    store.delete(dotted.id)
    assert store.get(dotted.id) is None


def test_nothing_is_left_of_a_deleted_letter(
    store: DeadLetterStore, dynamodb: "DynamoDBClient", table: str
) -> None:
    large = letter(body=incompressible(MAX_BYTES // 3))
    store.put(large)
    store.delete(large.id)
    assert dynamodb.scan(TableName=table)["Items"] == []


def test_a_database_that_fails_is_the_project_s_error(dynamodb: "DynamoDBClient") -> None:
    store = DeadLetterStore(dynamodb, "no-such-table")
    with pytest.raises(StoreError, match="ResourceNotFound"):
        store.put(letter())
    with pytest.raises(StoreError, match="ResourceNotFound"):
        store.page("work", limit=1)
