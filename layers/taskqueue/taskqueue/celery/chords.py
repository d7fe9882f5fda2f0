"""Chords: the parts of a header that have ended are a set, and with the last of them the body goes.

Celery counts the parts and deletes the counter, so that a message that comes twice breaks a chord.
Here each part adds itself to a set, after its own end is written, and every step may be repeated:

    part ──> its shard's set ──full──> all shards ──complete──> the results, joined ──> the body

The header's tasks are those whose results Celery has saved as the group's. Those that a task adds
while it runs (`add_to_chord`) are in a set of their own, with those of them that have ended: it is
read once the header is complete, since a task adds before its own end. The body has the id that
Celery froze for it, or derived ones: two parts that both see the header complete send one body.

Where a header fails, all the tasks of its body fail with it, which never run. Of these the last may
be parts of a chord around this one: they are ended next, when their own failures are written.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from celery import Celery, canvas, states
from celery.exceptions import ChordError
from celery.result import GroupResult, ResultSet, allow_join_result

from taskqueue.errors import StoreError
from taskqueue.groups.part import shards_of

if TYPE_CHECKING:
    from taskqueue.celery.results import Backend
    from taskqueue.records.metas import ResultMetas

_HASH_BYTES = 8
# How the members begin of the set of added parts: one is the id of a part that was added, or has
# ended.
_ADDED, _ENDED = b"+", b"-"
_GROUPS_KEPT = 16


# Of a header: by the number of each shard, the hashes of the parts that it counts.
type Header = Mapping[int, frozenset[bytes]]


class HeaderPart(NamedTuple):
    """A task that has ended and is of a chord's header. `body`: the signature that follows it.

    `publish`: the number of the publish that it has run by. A chord that is published again has its
    parts run by the next one, and these are counted on their own.
    """

    group_id: str
    task_id: str
    body: Mapping[str, Any]
    publish: int

    @property
    def count_id(self) -> str:
        """What names the sets in which it is counted."""
        return f"{self.group_id}#{self.publish}" if self.publish else self.group_id


class Chords:
    """Sends the bodies of the chords of an app."""

    def __init__(self, app: Celery, backend: "Backend", metas: "ResultMetas") -> None:
        self._app = app
        self._backend = backend
        self._metas = metas
        self._header = lru_cache(_GROUPS_KEPT)(self._restored)

    def end(self, part: HeaderPart) -> Sequence[HeaderPart]:
        """Add a part to its set; send the body, or its errbacks, if it was the last.

        Returns the parts that have ended with a body that fails: they are to be ended next.

        Raises:
            StoreError, GiveBack: it is not known what is done; again is harmless.
        """
        header = self._header(part.group_id)
        if header is None:
            return self._fail(part, ChordError(f"GroupResult {part.group_id} no longer exists"))
        number = shard_of(part.task_id, len(header))
        if hash_of(part.task_id) in header[number]:
            ended = self._metas.add(_key(part.count_id, number), hash_of(part.task_id))
            if not ended >= header[number]:
                return ()
        else:
            self._metas.add(_added_key(part.group_id), _ENDED + part.task_id.encode())
        if self._is_complete(part.count_id, header):
            added = self._added(part.group_id)
            if _ids(added, _ADDED) <= _ids(added, _ENDED):
                return self._send_body(part, sorted(_ids(added, _ADDED)))
        return ()

    def _restored(self, group_id: str) -> Header | None:
        group: Any = self._backend.restore_group(group_id)
        return header_of(group) if group is not None else None

    def _is_complete(self, count_id: str, header: Header) -> bool:
        found = self._metas.sets([_key(count_id, number) for number in header])
        return all(
            found.get(_key(count_id, number), frozenset()) >= parts
            for number, parts in header.items()
        )

    def _added(self, group_id: str) -> frozenset[bytes]:
        key = _added_key(group_id)
        return self._metas.sets([key]).get(key, frozenset())

    def _send_body(self, part: HeaderPart, added: Sequence[str]) -> Sequence[HeaderPart]:
        # Made anew: a result keeps the state that it has once read.
        group: Any = self._backend.restore_group(part.group_id, cache=False)
        group.results.extend(self._app.AsyncResult(task_id) for task_id in added)
        leaves = list(leaves_of(group))
        for leaf, meta in zip(leaves, self._backend.metas_of(leaves), strict=True):
            leaf._maybe_set_cache(meta)
        if any(leaf._cache is None for leaf in leaves):
            raise StoreError("a part of the chord has ended, and its result is not there")
        failed = [leaf for leaf in leaves if leaf.state in states.PROPAGATE_STATES]
        if failed:
            error = ChordError(f"Dependency {failed[0].id} raised {failed[0].result!r}")
            error.__cause__ = failed[0].result
            return self._fail(part, error)
        with allow_join_result():
            results = group.join()
        try:
            self._signature(part.body).delay(results)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever refuses it would do so again
            failure = ChordError(f"Callback error: {error!r}")
            failure.__cause__ = error
            return self._fail(part, failure)
        return ()

    def _fail(self, part: HeaderPart, error: ChordError) -> Sequence[HeaderPart]:
        """Write the body's failure, and send its errbacks; return the parts that end with it."""
        try:
            raise error
        except ChordError:
            for body in _bodies_of(part.body):
                self._backend.chord_error_from_stack(self._signature(body), error)
        self._backend.fail_unrun([part.body], error)
        return _parts_by(_ends_of(part.body), part.publish)

    def _signature(self, body: Mapping[str, Any]) -> Any:
        return canvas.maybe_signature(dict(body), app=self._app)


def add_parts(metas: "ResultMetas", group_id: str, result: Any) -> None:
    """Add a task to a header, or all those of a group; again is harmless.

    Raises:
        StoreError: it is not known which are added.
    """
    leaves = leaves_of(result) if isinstance(result, ResultSet) else [result]
    for leaf in leaves:
        metas.add(_added_key(group_id), _ADDED + leaf.id.encode())


def header_of(group: GroupResult) -> Header:
    """Return the parts of a header whose results are the group's."""
    ids = [leaf.id for leaf in leaves_of(group)]
    count = max(1, shards_of(len(ids)))
    shards: dict[int, set[bytes]] = {number: set() for number in range(count)}
    for task_id in ids:
        shards[shard_of(task_id, count)].add(hash_of(task_id))
    return {number: frozenset(parts) for number, parts in shards.items()}


def leaves_of(results: ResultSet) -> Iterator[Any]:
    """Yield the results of a group's tasks, and of those of the groups in it."""
    for result in results.results or ():
        if isinstance(result, ResultSet):
            yield from leaves_of(result)
        else:
            yield result


def hash_of(task_id: str) -> bytes:
    """Return what stands for a task in a set."""
    return hashlib.sha256(task_id.encode()).digest()[:_HASH_BYTES]


def shard_of(task_id: str, count: int) -> int:
    """Return the number of the shard that counts a task, of so many shards."""
    return int.from_bytes(hash_of(task_id)) % count


def parts_of(fields: Mapping[str, Any], publish: int, *, has_failed: bool) -> list[HeaderPart]:
    """Return which parts end with a task of these request fields: itself, if it is of a header.

    `publish`: the number of the publish that the task has run by. With a task that fails, the rest
    of its chain fails, too.
    """
    own = {"group_id": fields.get("group"), "task_id": fields["id"], "chord": fields.get("chord")}
    rest: Sequence[Any] = (fields.get("chain") or []) if has_failed else []
    ended: list[Mapping[str, Any]] = [own] if _is_part(own) else []
    for one in rest:
        ended.extend(_ends_of(one))
    return _parts_by(ended, publish)


def tasks_of(signature: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the signatures of the tasks in a canvas, and of those in the rest of its chain."""
    for one in _rest_of(signature):
        yield from tasks_of(one)
    kwargs = signature.get("kwargs") or {}
    match signature.get("subtask_type"):
        case "group" | "chain":
            inside = kwargs["tasks"]
        case "chord":
            inside = [*_header_of(kwargs), kwargs["body"]]
        case _:
            yield signature
            return
    for one in inside:
        yield from tasks_of(one)


def _ends_of(signature: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the options of the last tasks of a canvas that are parts of a chord around it."""
    for one in _rest_of(signature):
        yield from _ends_of(one)
    kwargs = signature.get("kwargs") or {}
    match signature.get("subtask_type"):
        case "group":
            last = kwargs["tasks"]
        case "chain":
            last = kwargs["tasks"][-1:]
        case "chord":
            last = [kwargs["body"]]
        case _:
            options = signature.get("options") or {}
            if _is_part(options):
                yield options
            return
    for one in last:
        yield from _ends_of(one)


def _parts_by(ended: Iterable[Mapping[str, Any]], publish: int) -> list[HeaderPart]:
    """Return the parts that the options of their signatures make."""
    return [HeaderPart(one["group_id"], one["task_id"], one["chord"], publish) for one in ended]


def _bodies_of(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a body, and that of a chord which is one: there Celery links a chord's errbacks."""
    yield body
    if body.get("subtask_type") == "chord":
        yield from _bodies_of(body["kwargs"]["body"])


def _header_of(kwargs: Mapping[str, Any]) -> Sequence[Any]:
    header = kwargs["header"]
    return [header] if isinstance(header, Mapping) else header


def _rest_of(signature: Mapping[str, Any]) -> Sequence[Any]:
    return (signature.get("options") or {}).get("chain") or ()


def _is_part(options: Mapping[str, Any]) -> bool:
    return all(options.get(name) for name in ("chord", "group_id", "task_id"))


def _key(count_id: str, shard: int) -> str:
    """Return the key of a shard, beside that of Celery's counter."""
    return f"b'chord-unlock-{count_id}'#{shard}"


def _added_key(group_id: str) -> str:
    return f"b'chord-unlock-{group_id}'#added"


def _ids(members: Iterable[bytes], kind: bytes) -> set[str]:
    return {member[1:].decode() for member in members if member.startswith(kind)}
