"""Friendships: table with partition key `user_id` and sort key `friend_id`, both strings.

A friendship is two items, one in each direction, so that each of the two reads all their friends
in one query.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from social.parallel_puts import ParallelPuts
from taskqueue.aws.batch_items import Item
from taskqueue.aws.errors import store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


class SelfFriendship(ValueError):
    """Nobody is their own friend."""

    def __init__(self) -> None:
        super().__init__(type(self).__doc__)


class FriendPage(NamedTuple):
    """Some of a user's friends, in the order of their ids.

    `next_token` is the `after` of the next page, or None when there is none.
    """

    ids: tuple[str, ...]
    next_token: str | None


class FriendStore:
    """The table of friendships."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._puts = ParallelPuts(client)

    def befriend(self, user_id: str, friend_id: str) -> None:
        """Make the two users friends, in both directions or not at all; again is harmless.

        Raises:
            SelfFriendship: both are the same user.
            Throttled: too much load, or the same friendship is being changed now.
            StoreError: the request failed.
        """
        self._write(
            [
                {"Put": {"TableName": self._table, "Item": item}}
                for item in _both_ways(user_id, friend_id)
            ]
        )

    def unfriend(self, user_id: str, friend_id: str) -> None:
        """End the friendship of the two users, in both directions or not at all.

        Ending one that does not exist is harmless. Raises as `befriend` does.
        """
        self._write(
            [
                {"Delete": {"TableName": self._table, "Key": key}}
                for key in _both_ways(user_id, friend_id)
            ]
        )

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        """Return up to `limit` (at least 1) friends of the user whose ids come after `after`.

        The read is consistent, and takes several queries where one ends, at 1 MB.

        Raises:
            StoreError, Throttled: a request failed.
        """
        ids: list[str] = []
        while True:
            found, after = self._query(user_id, after, limit - len(ids))
            ids.extend(found)
            if after is None or len(ids) >= limit:
                return FriendPage(tuple(ids), after)

    def put_many(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Make each pair of users friends; pairs may repeat. For bulk loads: no transaction.

        Raises:
            SelfFriendship: a pair is of one user. Nothing is written.
            StoreError, Throttled: a request failed; part may be written, and may be put again.
        """
        # One request must not name a key twice.
        distinct = {(min(pair), max(pair)) for pair in pairs}
        items = [item for pair in sorted(distinct) for item in _both_ways(*pair)]
        self._puts.put(self._table, items)

    def _query(self, user_id: str, after: str | None, limit: int) -> tuple[list[str], str | None]:
        start: dict[str, Any] = {"ExclusiveStartKey": _item(user_id, after)} if after else {}
        with store_errors():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="user_id = :user",
                ExpressionAttributeValues={":user": {"S": user_id}},
                ProjectionExpression="friend_id",
                Limit=limit,
                ConsistentRead=True,
                **start,
            )
        last = response.get("LastEvaluatedKey")
        ids = [item["friend_id"]["S"] for item in response["Items"]]
        return ids, last["friend_id"]["S"] if last else None

    def _write(self, writes: list["TransactWriteItemTypeDef"]) -> None:
        with store_errors():
            self._client.transact_write_items(TransactItems=writes)


def _both_ways(user_id: str, friend_id: str) -> list[Item]:
    if user_id == friend_id:
        raise SelfFriendship
    return [_item(user_id, friend_id), _item(friend_id, user_id)]


def _item(user_id: str, friend_id: str) -> Item:
    return {"user_id": {"S": user_id}, "friend_id": {"S": friend_id}}
