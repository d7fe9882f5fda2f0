"""Schedules in DynamoDB: table with partition key `name`, a string.

`definition` is the schedule's JSON object; `version` rises with every write, each of which is
conditional on it, so that no two writers undo each other's work.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import ConditionFailed, store_error, store_errors
from taskqueue.aws.partiql import ANSWERS, Statement, Statements, statement_error
from taskqueue.beat.row import BrokenRow, Row, put, removed
from taskqueue.beat.schedule import InvalidSchedule, Schedule, definition, parse
from taskqueue.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
MAX_PUT_TRIES = 5
_PROGRESS = ("cursor_ms", "sent", "last_ms", "ahead", "version")


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows in the order of their names; after the one named `next_name` come others, None ends.

    Pages follow one another in no order, and one may be short, or empty, and not the last.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.Pagination
    """

    rows: Sequence[Row | BrokenRow]
    next_name: str | None


class DynamoScheduleStore:
    """The table of schedules."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._statements = Statements(client)
        self._table = table

    def list(self) -> Sequence[Row | BrokenRow]:
        """Return all rows in the order of their names, those of removed schedules included.

        Raises:
            StoreError, Throttled: a request failed.
        """
        rows: list[Row | BrokenRow] = []
        start: Item = {}
        while True:
            with store_errors():
                response = self._client.scan(TableName=self._table, ConsistentRead=True, **start)
            rows.extend(_row(dict(item)) for item in response["Items"])
            if "LastEvaluatedKey" not in response:
                return sorted(rows, key=_name)
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def page(self, limit: int, after: str | None = None) -> RowPage:
        """Return up to `limit` rows, and at most a megabyte, after the one named `after`.

        Raises:
            StoreError, Throttled: the request failed.
        """
        start: Item = {"ExclusiveStartKey": _key(after)} if after else {}
        with store_errors():
            response = self._client.scan(
                TableName=self._table, ConsistentRead=True, Limit=limit, **start
            )
        last = response.get("LastEvaluatedKey")
        rows = sorted((_row(dict(item)) for item in response["Items"]), key=_name)
        return RowPage(rows, last["name"]["S"] if last else None)

    def get(self, name: str) -> Row | BrokenRow | None:
        """Return the row of a schedule, removed or not, or None.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            response = self._client.get_item(
                TableName=self._table, Key=_key(name), ConsistentRead=True
            )
        item = response.get("Item")
        return _row(dict(item)) if item else None

    def save(self, row: Row) -> bool:
        """Write the row; False when it was written since it was read.

        Raises:
            StoreError, Throttled: the request failed.
        """
        new = row.version == 0
        values = {} if new else {":version": {"N": str(row.version)}}
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item=_item(row),
                    ConditionExpression=(
                        "attribute_not_exists(#name)" if new else "#version = :version"
                    ),
                    ExpressionAttributeNames={"#name": "name"} if new else {"#version": "version"},
                    **({"ExpressionAttributeValues": values} if values else {}),  # type: ignore[arg-type]
                )
        except ConditionFailed:
            return False
        return True

    def save_progress(self, rows: Sequence[Row]) -> Sequence[bool]:
        """Write how far beat is with each row, 25 a request; False as `save` says it.

        Raises:
            StoreError, Throttled: it is not known which of them are written.
        """
        responses = self._statements.execute([_progress(self._table, row) for row in rows])
        codes = [statement_error(response) for response in responses]
        for code in codes:
            if code not in ANSWERS:
                raise store_error(str(code))
        return [code is None for code in codes]

    def delete(self, name: str) -> None:
        """Delete the row.

        Raises:
            StoreError, Throttled: the request failed.
        """
        with store_errors():
            self._client.delete_item(TableName=self._table, Key=_key(name))

    def put(self, schedule: Schedule, now_ms: int) -> Row:
        """Add or change a schedule as the API does, and return its row.

        Raises:
            StoreError, Throttled: a request failed, or others keep writing the row.
        """
        for _ in range(MAX_PUT_TRIES):
            found = self.get(schedule.name)
            if isinstance(found, BrokenRow):
                self.delete(schedule.name)
                found = None
            row = put(found, schedule, now_ms)
            if self.save(row):
                return row
        raise Throttled

    def remove(self, name: str) -> bool:
        """Remove a schedule as the API does; False when there is none.

        One that stands in code leaves a row behind that says so.

        Raises:
            StoreError, Throttled: a request failed, or others keep writing the row.
        """
        for _ in range(MAX_PUT_TRIES):
            found = self.get(name)
            if found is None or (isinstance(found, Row) and found.removed):
                return False
            if isinstance(found, BrokenRow) or not found.declared:
                self.delete(name)
                return True
            if self.save(removed(found)):
                return True
        raise Throttled


def _key(name: str) -> Item:
    return {"name": {"S": name}}


def _name(row: Row | BrokenRow) -> str:
    return row.name if isinstance(row, BrokenRow) else row.schedule.name


def _item(row: Row) -> Item:
    item = {
        "name": {"S": row.schedule.name},
        "definition": {"S": json.dumps(definition(row.schedule), separators=(",", ":"))},
        "cursor_ms": {"N": str(row.cursor_ms)},
        "declared": {"BOOL": row.declared},
        "changed": {"BOOL": row.changed},
        "removed": {"BOOL": row.removed},
        "sent": {"N": str(row.sent)},
        "ahead": {"L": [{"N": str(slot_ms)} for slot_ms in row.ahead]},
        "version": {"N": str(row.version + 1)},
    }
    if row.app:
        item["app"] = {"S": row.app}
    if row.last_ms is not None:
        item["last_ms"] = {"N": str(row.last_ms)}
    return item


def _progress(table: str, row: Row) -> Statement:
    """Return the statement that writes what changes in a row when slots are sent."""
    item = _item(row)
    fields = [name for name in _PROGRESS if name in item]
    changes = " ".join(f'SET "{name}"=?' for name in fields)
    return {
        "Statement": f'UPDATE "{table}" {changes} WHERE "name"=? AND "version"=?',
        "Parameters": [
            *(item[name] for name in fields),
            item["name"],
            {"N": str(row.version)},
        ],
    }


def _row(item: Item) -> Row | BrokenRow:
    name = item["name"]["S"]
    try:
        return Row(
            schedule=parse(name, json.loads(item["definition"]["S"])),
            cursor_ms=int(item["cursor_ms"]["N"]),
            declared=item["declared"]["BOOL"],
            changed=item["changed"]["BOOL"],
            removed=item["removed"]["BOOL"],
            sent=int(item["sent"]["N"]),
            last_ms=int(item["last_ms"]["N"]) if "last_ms" in item else None,
            ahead=tuple(int(slot["N"]) for slot in item["ahead"]["L"]),
            version=int(item["version"]["N"]),
            app=item["app"]["S"] if "app" in item else "",
        )
    except InvalidSchedule as error:
        return BrokenRow(name, str(error))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return BrokenRow(name, "cannot be read")
