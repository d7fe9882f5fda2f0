"""Which items a DynamoDB request writes. Reads nothing and sends nothing."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.item_size import Item, Value
from tests.benchmarks.wire import Request

type KeyNames = Callable[[str], Sequence[str]]

_TRANSACTION_FACTOR = 2
_READS = {
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "DescribeTable",
}
_TABLE = re.compile(
    r'^\s*(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM|SELECT\b.*?\bFROM)\s+"?([\w.-]+)"?', re.I
)


@dataclass(frozen=True)
class Write:
    """One item written: its table, its key, and 2 for a write in a transaction, else 1."""

    table: str
    key: Item
    factor: int = 1


def writes(request: Request, key_names: KeyNames) -> list[Write]:
    """The items that one DynamoDB request writes, or asks to write under a condition.

    Args:
        request: as sent.
        key_names: gives the key attributes of a table.

    Raises:
        ValueError: the request is of a kind that this count does not know.
    """
    if request.operation in _READS:
        return []
    return list(_writes(request.operation, request.body, key_names))


def _writes(operation: str, body: Mapping[str, Any], key_names: KeyNames) -> Iterator[Write]:
    match operation:
        case "PutItem":
            yield _put(body, key_names)
        case "UpdateItem" | "DeleteItem":
            yield Write(body["TableName"], body["Key"])
        case "BatchWriteItem":
            yield from _batch(body, key_names)
        case "TransactWriteItems":
            for action in body["TransactItems"]:
                ((kind, content),) = action.items()
                write = (
                    _put(content, key_names)
                    if kind == "Put"
                    else Write(content["TableName"], content["Key"])
                )
                yield Write(write.table, write.key, _TRANSACTION_FACTOR)
        case "ExecuteStatement":
            yield from _statement(body, key_names)
        case "BatchExecuteStatement":
            for statement in body["Statements"]:
                yield from _statement(statement, key_names)
        case _:
            raise ValueError(f"No rule for what {operation} writes.")


def _put(body: Mapping[str, Any], key_names: KeyNames) -> Write:
    table = body["TableName"]
    return Write(table, _key(body["Item"], key_names(table)))


def _batch(body: Mapping[str, Any], key_names: KeyNames) -> Iterator[Write]:
    for table, actions in body["RequestItems"].items():
        for action in actions:
            if "PutRequest" in action:
                yield Write(table, _key(action["PutRequest"]["Item"], key_names(table)))
            else:
                yield Write(table, action["DeleteRequest"]["Key"])


def _statement(statement: Mapping[str, Any], key_names: KeyNames) -> Iterator[Write]:
    text = statement["Statement"]
    if text.lstrip().upper().startswith("SELECT"):
        return
    found = _TABLE.match(text)
    if found is None:
        raise ValueError(f"No rule for what this statement writes: {text}")
    table = found[1]
    key = {
        name: _parameter(text, name, statement.get("Parameters", [])) for name in key_names(table)
    }
    yield Write(table, key)


def _parameter(text: str, name: str, parameters: Sequence[Value]) -> Value:
    """The parameter that stands for an attribute: `name = ?`, or `'name': ?` of an INSERT."""
    where = text if _is_insert(text) else text[text.upper().index("WHERE") :]
    found = re.search(rf"""["']?\b{re.escape(name)}\b["']?\s*[=:]\s*\?""", where)
    if found is None:
        raise ValueError(f"The statement does not name the key {name!r} as a parameter: {text}")
    before = text[: len(text) - len(where) + found.end() - 1]
    return parameters[before.count("?")]


def _is_insert(text: str) -> bool:
    return text.lstrip().upper().startswith("INSERT")


def _key(item: Item, names: Sequence[str]) -> Item:
    return {name: item[name] for name in names}
