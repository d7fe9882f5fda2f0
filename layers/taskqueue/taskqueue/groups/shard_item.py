"""How a shard stands in a DynamoDB item of the table of records: no I/O.

Key `id`: the text `taskqueue-group-<id of the whole>#<number>`.

    0 … 63        what the part of that place in the shard has counted
    failed        set of the places of the parts that have ended otherwise
    first_error   the first error of those
    group_size    how many parts the group has, where the shard was told
    ttl           when DynamoDB may remove it, in seconds

Full, it has some 500 bytes.
"""

from collections.abc import Mapping
from typing import Any

from taskqueue.groups.part import SHARD_PARTS, Done, Failed, Part, PartEnd
from taskqueue.groups.shard import MAX_FIRST_ERROR_LENGTH, Shard
from taskqueue.records.item import Item, number


def shard_key(whole_id: str, number: int) -> Item:
    """Return the key of a shard's item."""
    return {"id": {"S": f"taskqueue-group-{whole_id}#{number}"}}


def read_shard(number: int, item: Item) -> Shard:
    """Return the shard that an item holds; an empty one of no item."""
    first = SHARD_PARTS * number
    return Shard(
        number=number,
        counts={
            first + place: int(item[str(place)]["N"])
            for place in range(SHARD_PARTS)
            if str(place) in item
        },
        failed=frozenset(first + int(place) for place in item.get("failed", {}).get("NS", [])),
        error=item.get("first_error", {}).get("S"),
        size=int(item["group_size"]["N"]) if "group_size" in item else None,
    )


def end_update(part: Part, end: PartEnd, ttl: int, now_ms: int) -> Mapping[str, Any]:
    """Return the arguments of `UpdateItem` that write the end of a part."""
    place = str(part.index % SHARD_PARTS)
    match end:
        case Done(count):
            change, names = "SET #place = if_not_exists(#place, :count)", {"#place": place}
            values: Item = {":count": number(count)}
        case Failed(error):
            change, names = "ADD failed :place SET first_error = if_not_exists(first_error, :e)", {}
            values = {":place": {"NS": [place]}, ":e": {"S": error[:MAX_FIRST_ERROR_LENGTH]}}
    return _update(change, names, values, ttl, now_ms)


def size_update(size: int, ttl: int, now_ms: int) -> Mapping[str, Any]:
    """Return the arguments of `UpdateItem` that tell a shard the size of its group."""
    return _update("SET group_size = :size", {}, {":size": number(size)}, ttl, now_ms)


def deletion_of_expired(now_ms: int) -> Mapping[str, Any]:
    """Return the arguments of `DeleteItem` that remove a shard of a group that is long over."""
    return {
        "ConditionExpression": "#ttl <= :now",
        "ExpressionAttributeNames": {"#ttl": "ttl"},
        "ExpressionAttributeValues": {":now": number(now_ms // 1000)},
    }


def _update(
    change: str, names: Mapping[str, str], values: Item, ttl: int, now_ms: int
) -> Mapping[str, Any]:
    return {
        "UpdateExpression": f"{change}, #ttl = :ttl",
        "ConditionExpression": "attribute_not_exists(#ttl) OR #ttl > :now",
        "ExpressionAttributeNames": {"#ttl": "ttl", **names},
        "ExpressionAttributeValues": {
            ":ttl": number(ttl),
            ":now": number(now_ms // 1000),
            **values,
        },
    }
