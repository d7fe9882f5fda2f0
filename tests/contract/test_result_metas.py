"""What every `ResultMetas` does: the one in memory and the one in DynamoDB."""

import json
import uuid

import pytest

from taskqueue.message import Message
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.item import item_id
from taskqueue.records.lease import Claim
from taskqueue.records.metas import DynamoResultMetas, ResultMetas
from taskqueue.records.store import Finish, Finished, TaskStore
from taskqueue.testing.records import MemoryResultMetas, MemoryTaskStore
from tests.support.dynamodb_tables import create_table

NOW_MS = 1_795_370_400_000
type Both = tuple[ResultMetas, TaskStore]


@pytest.fixture(params=["memory", "ministack"])
def both(request: pytest.FixtureRequest) -> Both:
    """Return the metas, and the task records that are in the same table."""
    if request.param == "memory":
        store = MemoryTaskStore()
        return MemoryResultMetas(store), store
    client = request.getfixturevalue("ministack_dynamodb")
    table = create_table(client, "id")
    metas = DynamoResultMetas(client, table, ttl_seconds=60, now_ms=lambda: NOW_MS)
    return metas, DynamoTaskStore(client, table, result_ttl_seconds=60, now_ms=lambda: NOW_MS)


def test_a_task_s_meta_is_that_of_its_record(both: Both) -> None:
    metas, store = both
    message = Message("add", str(uuid.uuid4()))
    key = item_id(message.id)
    assert metas.get_many([key]) == {}
    store.enqueue(message, NOW_MS)
    assert json.loads(metas.get_many([key])[key])["status"] == "PENDING"
    store.claim([Claim(message, NOW_MS + 1, "m-1", "n")], NOW_MS)
    store.set_meta(message.id, 1, b'{"status":"HALF"}')
    assert metas.get_many([key, key, "none"]) == {key: b'{"status":"HALF"}'}


def test_the_meta_of_a_group_is_written_and_removed(both: Both) -> None:
    metas, _ = both
    key = f"b'celery-taskset-meta-{uuid.uuid4()}'"
    metas.put(key, b"one")
    metas.put(key, b"two")
    assert metas.get_many([key]) == {key: b"two"}
    metas.delete(key)
    metas.delete(key)
    assert metas.get_many([key]) == {}


def test_a_task_whose_result_is_forgotten_keeps_its_record(both: Both) -> None:
    metas, store = both
    message = Message("add", str(uuid.uuid4()))
    key = item_id(message.id)
    store.enqueue(message, NOW_MS)
    store.claim([Claim(message, NOW_MS + 1, "m-1", "n")], NOW_MS)
    metas.delete(key)
    metas.delete(key)
    assert metas.get_many([key]) == {}
    end = Finish(message.id, 1, 0, "SUCCESS", b'{"status":"SUCCESS","result":3}', 0, NOW_MS)
    assert store.finish([end]) == [Finished.WRITTEN]
    metas.delete(key)
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.result) == ("SUCCESS", None)
    assert metas.get_many([key]) == {}


def test_a_set_holds_each_member_once(both: Both) -> None:
    metas, _ = both
    one, other = f"b'chord-unlock-{uuid.uuid4()}'#0", f"b'chord-unlock-{uuid.uuid4()}'#1"
    assert metas.add(one, b"12345678") == {b"12345678"}
    assert metas.add(one, b"\x00\xff345678") == {b"12345678", b"\x00\xff345678"}
    assert metas.add(one, b"12345678") == {b"12345678", b"\x00\xff345678"}
    assert metas.sets([one, other]) == {one: {b"12345678", b"\x00\xff345678"}}
    assert metas.get_many([one]) == {}


def test_what_has_expired_is_gone_before_the_database_removes_it(
    request: pytest.FixtureRequest,
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html"""
    client = request.getfixturevalue("ministack_dynamodb")
    table, now_ms = create_table(client, "id"), [NOW_MS]
    metas = DynamoResultMetas(client, table, ttl_seconds=60, now_ms=lambda: now_ms[0])
    metas.add("set", b"12345678")
    metas.put("meta", b"one")
    now_ms[0] += 60_000
    assert (metas.sets(["set"]), metas.get_many(["meta"])) == ({}, {})
