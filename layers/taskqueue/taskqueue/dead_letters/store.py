"""Dead letters in DynamoDB: every message that could not be run, whole, with the reason.

Key: `queue`, `id`; the id begins with the queue's name and the time, so it names its own key and
sorts by age. A body larger than an item goes on in items of the partition `<queue>#bodies`.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import store_errors
from taskqueue.dead_letters.letter import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An item of DynamoDB holds 400 KB.
MAX_BODY_PIECE_BYTES = 350_000


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Dead letters without their bodies, newest first; `next_id` continues, None ends.

    Only None ends: a page that is short, or empty, does not.
    """

    letters: Sequence[DeadLetter]
    next_id: str | None


class DeadLetterStore:
    """The table of dead letters. They stay until someone redrives or discards them."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put(self, letter: DeadLetter) -> None:
        """Write a dead letter; writing it again changes nothing.

        Raises:
            StoreError, Throttled
        """
        first, *rest = _pieces(letter.body)
        for number, piece in enumerate(rest):
            key = _piece_key(letter.id, number)
            self._put({**key, "body": {"B": piece}})
        optional = {"task_id": letter.task_id, "task": letter.task}
        self._put(
            {
                **_key(letter.id),
                "reason": {"S": letter.reason},
                "received_at_ms": {"N": str(letter.received_at_ms)},
                "body": {"B": first},
                "pieces": {"N": str(len(rest))},
                **{name: {"S": value} for name, value in optional.items() if value},
            }
        )

    def get(self, letter_id: str) -> DeadLetter | None:
        """Return a dead letter with its body, or None, also where another removes it meanwhile."""
        item = self._get(_key(letter_id))
        if item is None:
            return None
        pieces = [bytes(item["body"]["B"])]
        for number in range(int(item["pieces"]["N"])):
            more = self._get(_piece_key(letter_id, number))
            if more is None:
                return None
            pieces.append(bytes(more["body"]["B"]))
        return _letter(item, zlib.decompress(b"".join(pieces)).decode())

    def page(self, queue: str, limit: int, after_id: str | None = None) -> DeadLetterPage:
        """Return up to `limit` dead letters of a queue, newest first, after `after_id`.

        One request, which reads 1 MB at most, bodies included.
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html

        Raises:
            StoreError, Throttled: the request failed.
        """
        start = {"ExclusiveStartKey": _key(after_id)} if after_id else {}
        with store_errors():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="queue = :queue",
                ExpressionAttributeValues={":queue": {"S": queue}},
                ProjectionExpression="queue, id, reason, received_at_ms, task_id, task",
                ScanIndexForward=False,
                Limit=limit,
                **start,  # type: ignore[arg-type]
            )
        last = response.get("LastEvaluatedKey")
        letters = [_letter(dict(item), "") for item in response["Items"]]
        return DeadLetterPage(letters, last["id"]["S"] if last else None)

    def delete(self, letter_id: str) -> None:
        """Remove a dead letter, if it is there."""
        item = self._get(_key(letter_id))
        if item is None:
            return
        pieces = [_piece_key(letter_id, number) for number in range(int(item["pieces"]["N"]))]
        deletes: list[Any] = [
            {"Delete": {"TableName": self._table, "Key": key}} for key in (_key(letter_id), *pieces)
        ]
        with store_errors():
            self._client.transact_write_items(TransactItems=deletes)

    def _put(self, item: Mapping[str, Any]) -> None:
        with store_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def _get(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        with store_errors():
            response = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = response.get("Item")
        return dict(item) if item else None


def _pieces(body: str) -> list[bytes]:
    packed = zlib.compress(body.encode())
    return [
        packed[at : at + MAX_BODY_PIECE_BYTES] for at in range(0, len(packed), MAX_BODY_PIECE_BYTES)
    ]


def _key(letter_id: str) -> dict[str, Any]:
    return {"queue": {"S": _queue_of(letter_id)}, "id": {"S": letter_id}}


def _piece_key(letter_id: str, number: int) -> dict[str, Any]:
    return {"queue": {"S": f"{_queue_of(letter_id)}#bodies"}, "id": {"S": f"{letter_id}#{number}"}}


def _queue_of(letter_id: str) -> str:
    return letter_id.partition(".")[0] or "?"


def _letter(item: Mapping[str, Any], body: str) -> DeadLetter:
    return DeadLetter(
        id=item["id"]["S"],
        queue=item["queue"]["S"],
        reason=item["reason"]["S"],
        body=body,
        received_at_ms=int(item["received_at_ms"]["N"]),
        task_id=item.get("task_id", {}).get("S"),
        task=item.get("task", {}).get("S"),
    )
