"""Which items a request writes."""

from typing import Any

import pytest

from tests.benchmarks.wire import Request
from tests.benchmarks.written import Write, writes

_KEYS = {"Tasks": ["id"], "Feeds": ["user_id", "news_id"]}
_ID = {"id": {"S": "1"}}
_PUT = {"TableName": "Tasks", "Item": {**_ID, "status": {"S": "PENDING"}}}
_FEED_KEY = {"user_id": {"S": "80"}, "news_id": {"S": "n"}}


def _writes(operation: str, body: dict[str, Any]) -> list[Write]:
    return writes(Request("dynamodb", operation, body), _KEYS.__getitem__)


def test_a_put_writes_the_key_of_its_item() -> None:
    assert _writes("PutItem", _PUT) == [Write("Tasks", _ID)]


@pytest.mark.parametrize("operation", ["UpdateItem", "DeleteItem"])
def test_an_update_writes_its_key(operation: str) -> None:
    assert _writes(operation, {"TableName": "Tasks", "Key": _ID}) == [Write("Tasks", _ID)]


def test_a_batch_writes_each_of_its_items() -> None:
    put = {"PutRequest": {"Item": {**_FEED_KEY, "author": {"S": "7"}}}}
    delete = {"DeleteRequest": {"Key": _FEED_KEY}}
    written = _writes("BatchWriteItem", {"RequestItems": {"Feeds": [put, delete]}})
    assert written == [Write("Feeds", _FEED_KEY), Write("Feeds", _FEED_KEY)]


def test_a_transaction_costs_twice() -> None:
    actions = [{"Put": _PUT}, {"Update": {"TableName": "Tasks", "Key": _ID}}]
    written = _writes("TransactWriteItems", {"TransactItems": actions})
    assert written == [Write("Tasks", _ID, 2), Write("Tasks", _ID, 2)]


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ('UPDATE "Tasks" SET a = ? SET b = ? WHERE id = ?', ["a", "b", "1"]),
        ('UPDATE "Tasks" SET a=? WHERE "id"=? AND b < ?', ["a", "1", "b"]),
        ('UPDATE "Tasks" SET a = ? WHERE b = ? AND id = ? RETURNING ALL NEW *', ["a", "b", "1"]),
        ("INSERT INTO \"Tasks\" VALUE {'a': ?, 'id': ?, 'b': ?}", ["a", "1", "b"]),
        ('DELETE FROM "Tasks" WHERE id = ?', ["1"]),
    ],
)
def test_a_statement_writes_the_key_it_names(statement: str, parameters: list[str]) -> None:
    body = {"Statement": statement, "Parameters": [{"S": text} for text in parameters]}
    assert _writes("ExecuteStatement", body) == [Write("Tasks", _ID)]
    both = _writes("BatchExecuteStatement", {"Statements": [body, body]})
    assert both == [Write("Tasks", _ID), Write("Tasks", _ID)]


def test_reads_write_nothing() -> None:
    assert _writes("Query", {"TableName": "Tasks"}) == []
    assert _writes("ExecuteStatement", {"Statement": 'SELECT * FROM "Tasks" WHERE id = ?'}) == []


def test_what_is_not_known_is_refused_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="ImportTable"):
        _writes("ImportTable", {})
    with pytest.raises(ValueError, match="does not name the key"):
        _writes("ExecuteStatement", {"Statement": 'UPDATE "Tasks" SET a = 1 WHERE b = ?'})
