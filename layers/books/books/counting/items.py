"""The items of the table of views: partition key `pk`, sort key `sk`, both strings, and TTL `ttl`.

    pk                       sk                         holds
    minute#<minute>          head                       which summary stands for the minute
                             summary#<fold id>#<piece>  `data`: a piece of the folded minute
    minute#<minute>#<shard>  segment#<id>               `data`: what a consumer batch said
    hour#<hour>#<shard>      arrivals                   segments of each minute, "0" to "59"
    books#<hour>             piece#<number>             `data`: a piece of the hour's list of books
    aside                    <minute>#<id>              `data`: a segment that cannot be read

Segments and arrivals are what grows with the load, so each shard has partitions of its own, which
take 1,000 write units a second each. The arrivals of an hour share an item, since all of them are
read for every ranking: an item under 1 KB is one unit, however many minutes it speaks of.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html

Before there were shards, a minute's segments stood beside its head, which counted them as
`arrivals`. What such a version left is read like one more shard.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from books.counting.minutes import Fold, Head
from books.counting.summaries import MINUTES_PER_LIST, list_of
from books.views import MINUTE_MS

Item = dict[str, Any]

MINUTE_SECONDS = MINUTE_MS // 1000
# Readers look for every shard that there may be, so that writers may have any number up to this.
MAX_SHARDS = 16
_UNSHARDED_ARRIVALS = "arrivals"


def key(partition: str, sort: str) -> Item:
    """Return the key of an item."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def is_kept(item: Item, now_seconds: int) -> bool:
    """Whether the item's time to live is not over: DynamoDB takes days to remove what has expired.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
    """
    return "ttl" not in item or int(item["ttl"]["N"]) > now_seconds


def minute_end_seconds(minute: int) -> int:
    """Return the second at which a minute is over."""
    return (minute + 1) * MINUTE_SECONDS


def shard_of(segment_id: str, shards: int) -> int:
    """Return the shard of a segment: one that is written again stands where it stood."""
    return zlib.crc32(segment_id.encode()) % shards


def segments_partition(minute: int, shard: int) -> str:
    """Return the partition of a minute's segments in one shard."""
    return f"{_minute_partition(minute)}#{shard}"


def arrivals_key(hour: int, shard: int) -> Item:
    """Return the key of the arrivals of an hour in one shard."""
    return key(f"hour#{hour}#{shard}", "arrivals")


def arrivals_attribute(minute: int) -> str:
    """Return the attribute that counts the arrivals of a minute, among those of its hour."""
    return str(minute % MINUTES_PER_LIST)


def head_key(minute: int) -> Item:
    """Return the key of a minute's head."""
    return key(_minute_partition(minute), "head")


def summary_key(minute: int, fold_id: str, number: int) -> Item:
    """Return the key of a piece of a summary."""
    return key(_minute_partition(minute), f"summary#{fold_id}#{number}")


def books_partition(hour: int) -> str:
    """Return the partition of an hour's list of books."""
    return f"books#{hour}"


def books_piece(number: int) -> str:
    """Return the sort key of a piece of a list of books; pieces sort by their numbers."""
    return f"piece#{number:06d}"


def head_keys(minutes: Iterable[int]) -> list[Item]:
    """Return the keys of all items that tell of the heads of these minutes."""
    minutes = list(minutes)
    hours = dict.fromkeys(map(list_of, minutes))
    return [
        *map(head_key, minutes),
        *(arrivals_key(hour, shard) for hour in hours for shard in range(MAX_SHARDS)),
    ]


def heads(minutes: Iterable[int], items: Iterable[Item]) -> list[Head]:
    """Return the heads of those minutes that have segments, from what there is of their items."""
    arrivals: dict[int, dict[str, int]] = {minute: {} for minute in minutes}
    folds: dict[int, Fold] = {}
    for item in items:
        kind, number, *shard = item["pk"]["S"].split("#")
        if kind == "hour":
            for minute, count in _arrivals(int(number), item):
                if minute in arrivals:
                    arrivals[minute][segments_partition(minute, int(shard[0]))] = count
            continue
        minute = int(number)
        if _UNSHARDED_ARRIVALS in item:
            arrivals[minute][_minute_partition(minute)] = int(item[_UNSHARDED_ARRIVALS]["N"])
        if "fold_id" in item:
            folds[minute] = _fold(item)
    return [Head(minute, said, folds.get(minute)) for minute, said in arrivals.items() if said]


def _minute_partition(minute: int) -> str:
    return f"minute#{minute}"


def _arrivals(hour: int, item: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    for name, value in item.items():
        if name.isdigit():
            yield hour * MINUTES_PER_LIST + int(name), int(value["N"])


def _fold(item: Item) -> Fold:
    return Fold(
        id=item["fold_id"]["S"],
        pieces=int(item["pieces"]["N"]),
        covered=int(item["covered"]["N"]),
        left_out=int(item["left_out"]["N"]),
    )
