"""Ends the parts of a group, and with the last of them the whole. Every step may be repeated.

A part costs one write: it adds itself to its shard. Whoever sees a shard full tells the whole, and
whoever sees all shards of the whole ends it. A group of one shard needs no telling. Where the size
of a group is not known when its first parts are sent, its last shard is told, once it is.

    part ──> shard of 64 parts ──full──> the whole's record ──all shards──> the whole's end
    size ──> the last shard ──────┘

All of it goes by the answers of single writes, each of which has the item as it is after the write:
of two that come at once the later sees both.

Groups whose parts have no index, or to which parts are added while they run, need shards of another
form: sets of 8-byte hashes of the parts' ids, all of which are read after each part.
"""

from taskqueue.errors import PartsFailed
from taskqueue.groups.part import SHARD_PARTS, Part, PartEnd
from taskqueue.groups.progress import Whole, shard_told
from taskqueue.groups.shard import Shard
from taskqueue.groups.store import GroupStore
from taskqueue.message import Message
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import TaskStore


def finish_part(store: GroupStore, part: Part, end: PartEnd, now_ms: int) -> Whole | None:
    """Write the end of a part; return the whole if all its parts have ended.

    Raises:
        StoreError: it is not known what is written; again is harmless.
    """
    shard = store.finish_part(part, end, now_ms)
    return _whole(store, part.whole_id, shard, part.size or shard.size)


def set_size(store: GroupStore, whole_id: str, size: int, now_ms: int) -> Whole | None:
    """Say how many parts a group has whose parts were not told; return it if all have ended.

    Raises:
        StoreError: it is not known what is written; again is harmless.
    """
    shard = store.set_group_size(whole_id, size, now_ms)
    return _whole(store, whole_id, shard, size)


def end_whole(store: TaskStore, message: Message, whole: Whole, now_ms: int) -> None:
    """Write the end of the task that a group finishes: SUCCESS, or FAILURE if parts failed.

    Raises:
        StoreError: it is not known whether it is written; again is harmless.
    """
    if whole.failures == 0:
        store.complete(message, whole.count, now_ms, whole.told)
        return
    record = store.get(message.id)
    if record and record.parts:
        shards = store.shards(message.id, record.parts.failed_shards[:1])
        error = PartsFailed(whole.failures, next((one.error for one in shards if one.error), ""))
        turn = Message(record.task, record.id, message.args, queue=record.queue, turn=record.turn)
        store.fail(turn, ErrorInfo.of(error), now_ms)


def _whole(store: GroupStore, whole_id: str, shard: Shard, size: int | None) -> Whole | None:
    if not shard.is_full(size):
        return None
    told = shard_told(shard)
    if size is not None and size <= SHARD_PARTS and shard.failures == 0:
        return Whole(shard.count, 0, told)
    parts = store.tell_shard(whole_id, told)
    if parts is None or not parts.is_complete:
        return None
    return Whole(parts.count, parts.failures, told)
