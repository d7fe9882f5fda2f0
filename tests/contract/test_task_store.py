"""What every `TaskStore` does: the one in memory and the one in DynamoDB.

moto is left out: its PartiQL takes no notice of conditions.
"""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from taskqueue.context import MAX_PROGRESS_BYTES
from taskqueue.errors import TaskAlreadyStarted, TaskIdTaken, TaskNotFound
from taskqueue.groups.part import Done, Failed, Part
from taskqueue.groups.progress import Parts, PartsPlan
from taskqueue.groups.shard import Shard
from taskqueue.message import TURNS_OF_A_PUBLISH, Message
from taskqueue.records import states
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.hop import Hop
from taskqueue.records.item import pending_item
from taskqueue.records.lease import (
    AlreadyFinished,
    Behind,
    Claim,
    Claimed,
    ClaimOutcome,
    HeldByOther,
    Leased,
    RecordGone,
    Replacing,
    Superseded,
)
from taskqueue.records.meta import ErrorInfo, result_meta
from taskqueue.records.retention import MAX_WAIT_SECONDS, Retention
from taskqueue.records.store import Enqueued, Finish, Finished, TaskStore
from taskqueue.testing.records import MemoryTaskStore
from taskqueue.worker.outcome import MAX_RESULT_BYTES
from tests.support.dynamodb_tables import create_table

NOW_MS = 1_795_370_400_000
LEASE_MS = 30_000
WRITTEN, LOST, REFUSED = Finished.WRITTEN, Finished.LOST, Finished.REFUSED
ERROR = ErrorInfo("ValueError", ["no", 1], "builtins")


@pytest.fixture(scope="module")
def dynamo_store(request: pytest.FixtureRequest) -> DynamoTaskStore:
    client = request.getfixturevalue("ministack_dynamodb")
    table = create_table(client, "id")
    return DynamoTaskStore(client, table, result_ttl_seconds=3_600, now_ms=lambda: NOW_MS)


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> TaskStore:
    if request.param == "memory":
        return MemoryTaskStore(lambda: NOW_MS, result_ttl_seconds=3_600)
    found: DynamoTaskStore = request.getfixturevalue("dynamo_store")
    return found


def task(**fields: Any) -> Message:
    """Return a message of a new task."""
    return Message("add", f"test-{uuid.uuid4()}", [1], {"b": 2}, **{"queue": "work", **fields})


def claim(
    store: TaskStore,
    message: Message,
    now_ms: int = NOW_MS,
    holder: str = "m-1",
    nonce: str | None = None,
) -> ClaimOutcome:
    """Claim as the only delivery of that time does, unless another nonce is given."""
    wanted = Claim(message, now_ms + LEASE_MS, holder, nonce or f"n-{now_ms}")
    (outcome,) = store.claim([wanted], now_ms)
    return outcome


def end(message: Message, attempt: int, status: str = states.SUCCESS, **fields: Any) -> Finish:
    """Return the end of an attempt; `result` or `error` are what its meta says."""
    said = {name: fields.pop(name) for name in ("result", "error") if name in fields}
    values = {"turn": message.turn, "retries": 0, "at_ms": NOW_MS + 5, **fields}
    meta = result_meta(message, status, at_ms=NOW_MS + 5, **said)
    return Finish(message.id, attempt, status=status, meta=meta, **values)


def next_turn(message: Message, after: int) -> Message:
    """Return the message by which an attempt has its task retried."""
    turn = message.turn + 1
    return replace(message, turn=turn, retries=turn, after=after)


def started(store: TaskStore) -> Message:
    message = task()
    store.enqueue(message, NOW_MS)
    assert claim(store, message) == Claimed(1, 0, 0)
    return message


def task_in_parts(store: TaskStore) -> Message:
    message = started(store)
    assert store.plan_parts(message.id, 1, PartsPlan(2, 30, is_whole=True))
    return message


def status_of(store: TaskStore, message: Message) -> str:
    record = store.get(message.id)
    assert record is not None
    return record.status


# ---------------------------------------------------------------- enqueue, get, forget


def test_an_id_that_was_never_issued_is_unknown(store: TaskStore) -> None:
    assert store.get("never-issued") is None


def test_an_enqueued_task_waits(store: TaskStore) -> None:
    message = task(eta_ms=NOW_MS + 9_000)
    assert store.enqueue(message, NOW_MS) is Enqueued.NEW
    record = store.get(message.id)
    assert record is not None
    assert (record.id, record.task, record.queue) == (message.id, "add", "work")
    assert (record.status, record.attempts, record.retries) == ("PENDING", 0, 0)
    assert (record.result, record.error, record.progress, record.parts) == (None, None, None, None)
    assert (record.enqueued_at_ms, record.due_at_ms) == (NOW_MS, NOW_MS + 9_000)
    assert (record.started_at_ms, record.finished_at_ms) == (None, None)


def test_many_records_are_read_at_once(store: TaskStore) -> None:
    messages = [task() for _ in range(101)]
    store.enqueue_many(messages, NOW_MS)
    ids = [message.id for message in messages]
    found = store.get_many([*ids, "never-issued", ids[0]])
    assert found == {task_id: store.get(task_id) for task_id in ids}
    assert store.get_many([]) == {}


def test_enqueueing_again_says_how_far_the_task_is(store: TaskStore) -> None:
    message = task()
    store.enqueue(message, NOW_MS)
    assert store.enqueue(message, NOW_MS + 1) is Enqueued.WAITING
    claim(store, message)
    assert store.enqueue(message, NOW_MS + 2) is Enqueued.BEGUN
    store.finish([end(message, 1)])
    assert store.enqueue(message, NOW_MS + 3) is Enqueued.BEGUN
    assert status_of(store, message) == states.SUCCESS


def test_an_id_of_another_task_s_is_refused(store: TaskStore) -> None:
    message = task()
    store.enqueue(message, NOW_MS)
    with pytest.raises(TaskIdTaken):
        store.enqueue(Message("other", message.id), NOW_MS)


def test_only_what_nobody_claimed_is_forgotten(store: TaskStore) -> None:
    waiting, running = task(), started(store)
    store.enqueue(waiting, NOW_MS)
    for task_id in (waiting.id, running.id, "never-issued"):
        store.forget(task_id)
    assert store.get(waiting.id) is None
    assert status_of(store, running) == states.STARTED


# ---------------------------------------------------------------- claim


def test_a_claim_starts_the_task(store: TaskStore) -> None:
    message = started(store)
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.attempts, record.started_at_ms) == ("STARTED", 1, NOW_MS)


def test_a_claim_of_an_unknown_id_makes_its_record(store: TaskStore) -> None:
    message = task()
    assert claim(store, message) == Claimed(1, 0, 0)
    record = store.get(message.id)
    assert record is not None
    assert (record.task, record.queue, record.status) == ("add", "work", "STARTED")
    assert (record.attempts, record.enqueued_at_ms) == (1, NOW_MS)
    assert claim(store, message, holder="m-2") == HeldByOther("m-1")


def test_a_leased_task_cannot_be_claimed_until_its_lease_is_over(store: TaskStore) -> None:
    message = started(store)
    last_ms = NOW_MS + LEASE_MS - 1
    assert claim(store, message, last_ms) == Leased(NOW_MS + LEASE_MS)
    assert claim(store, message, last_ms, holder="m-2") == HeldByOther("m-1")
    assert claim(store, message, NOW_MS + LEASE_MS, holder="m-2") == Claimed(2, 0, 1)


def test_a_claim_whose_answer_was_lost_knows_itself(store: TaskStore) -> None:
    message = started(store)
    assert claim(store, message) == Claimed(1, 0, 0)
    unknown = task()
    assert [claim(store, unknown) for _ in range(3)] == [Claimed(1, 0, 0)] * 3


def test_of_two_deliveries_of_a_message_in_one_millisecond_one_claims(store: TaskStore) -> None:
    known, unknown = task(), task()
    store.enqueue(known, NOW_MS)
    for message in (known, unknown):
        assert claim(store, message, nonce="n-1") == Claimed(1, 0, 0)
        assert claim(store, message, nonce="n-2") == Leased(NOW_MS + LEASE_MS)


def test_attempts_rise_and_lost_ones_are_counted(store: TaskStore) -> None:
    message = task()
    for died in range(5):
        outcome = claim(store, message, NOW_MS + died * LEASE_MS)
        assert outcome == Claimed(died + 1, 0, died)


def test_a_batch_is_claimed_one_by_one_in_its_order(store: TaskStore) -> None:
    waiting, running, unknown, finished = task(), started(store), task(), started(store)
    store.enqueue(waiting, NOW_MS)
    store.finish([end(finished, 1)])
    batch = [finished, unknown, running, waiting]
    claims = [Claim(message, NOW_MS + LEASE_MS, "m-2", "n-2") for message in batch]
    outcomes = store.claim(claims, NOW_MS)
    assert outcomes == [
        AlreadyFinished(states.SUCCESS),
        Claimed(1, 0, 0),
        HeldByOther("m-1"),
        Claimed(1, 0, 0),
    ]


def test_more_claims_than_one_request_takes(store: TaskStore) -> None:
    batch = [task() for _ in range(60)]
    for message in batch[::2]:
        store.enqueue(message, NOW_MS)
    claims = [Claim(message, NOW_MS + LEASE_MS, "m-2", "n-2") for message in batch]
    outcomes = store.claim(claims, NOW_MS)
    assert outcomes == [Claimed(1, 0, 0)] * 60
    assert store.finish([end(message, 1) for message in batch]) == [WRITTEN] * 60


def test_an_id_with_odd_characters(store: TaskStore) -> None:
    message = task()
    odd = Message("add", f"{message.id} '\"\\ñ🎉\x00?{{}}", queue="work")
    assert store.enqueue(odd, NOW_MS) is Enqueued.NEW
    assert claim(store, odd) == Claimed(1, 0, 0)
    assert store.finish([end(odd, 1, result="ok")]) == [WRITTEN]
    record = store.get(odd.id)
    assert record is not None
    assert record.result == "ok"


@pytest.mark.parametrize("known", [True, False], ids=["enqueued", "unknown"])
def test_of_sixteen_at_once_exactly_one_wins(store: TaskStore, known: bool) -> None:
    message, together = task(), threading.Barrier(16)
    if known:
        store.enqueue(message, NOW_MS)

    def compete(number: int) -> ClaimOutcome:
        together.wait()
        return claim(store, message, holder=f"m-{number}")

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(compete, range(16)))
    assert outcomes.count(Claimed(1, 0, 0)) == 1
    assert sum(isinstance(outcome, HeldByOther) for outcome in outcomes) == 15


# ---------------------------------------------------------------- publishes


def ended_by(store: TaskStore, publish: str | None, status: str = states.SUCCESS) -> Message:
    """Return the message of a publish of a new task, which has ended."""
    message = task(publish=publish)
    assert claim(store, message) == Claimed(1, 0, 0)
    assert store.finish([end(message, 1, status)]) == [WRITTEN]
    return message


@pytest.mark.parametrize("status", [states.SUCCESS, states.FAILURE, states.IGNORED])
@pytest.mark.parametrize("first", ["a", None], ids=["published", "own"])
def test_another_publish_runs_a_task_again_that_has_ended(
    store: TaskStore, first: str | None, status: str
) -> None:
    message = ended_by(store, first, status)
    other = replace(message, publish="b")
    assert store.enqueue(other, NOW_MS) is Enqueued.ANOTHER
    assert claim(store, other, holder="m-2") == Claimed(2, 0, 0, publish=1)
    assert claim(store, other, holder="m-2") == Claimed(2, 0, 0, publish=1)
    assert claim(store, other, holder="m-3") == HeldByOther("m-2")
    assert claim(store, message) == Superseded()
    assert store.enqueue(other, NOW_MS) is Enqueued.BEGUN
    turn = TURNS_OF_A_PUBLISH
    assert store.finish([end(message, 2, result=5, turn=turn)]) == [WRITTEN]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.result, record.turn) == ("SUCCESS", 5, turn)
    assert claim(store, other) == AlreadyFinished("SUCCESS", publish=1)
    assert claim(store, message) == AlreadyFinished("SUCCESS", publish=0)


def test_a_retry_of_another_publish_supersedes_all_before(store: TaskStore) -> None:
    message = ended_by(store, "a")
    other = replace(message, publish="b")
    assert claim(store, other) == Claimed(2, 0, 0, publish=1)
    turn, due_ms = TURNS_OF_A_PUBLISH, NOW_MS + 7_000
    retry = end(message, 2, states.RETRY, turn=turn, retries=1, next_due_ms=due_ms)
    assert store.finish([retry]) == [WRITTEN]
    for late in (message, other):
        assert claim(store, late, due_ms) == Superseded()
    again = replace(message, publish=None, turn=turn + 1, retries=1, after=2, eta_ms=due_ms)
    assert claim(store, again, due_ms, "m-2") == Claimed(3, 1, 0, publish=1)


def test_another_publish_waits_while_a_task_has_not_ended(store: TaskStore) -> None:
    message = task(publish="a", eta_ms=NOW_MS + 9_000)
    other = replace(message, publish="b", eta_ms=None)
    store.enqueue(message, NOW_MS)
    assert store.enqueue(other, NOW_MS) is Enqueued.ANOTHER
    assert claim(store, other) == Behind(NOW_MS + 9_000)
    assert claim(store, message, NOW_MS + 9_000) == Claimed(1, 0, 0)
    assert claim(store, other, NOW_MS + 9_000) == Behind(NOW_MS + 9_000)
    assert claim(store, other, NOW_MS + 10**6) == Behind(NOW_MS + 9_000)


def test_a_worker_s_death_in_another_publish_is_counted_as_ever(store: TaskStore) -> None:
    other = replace(ended_by(store, "a"), publish="b")
    assert claim(store, other) == Claimed(2, 0, 0, publish=1)
    assert claim(store, other, NOW_MS + LEASE_MS) == Claimed(3, 0, 1, publish=1)


def test_no_publish_runs_a_task_again_that_was_revoked_or_has_parts(store: TaskStore) -> None:
    revoked = ended_by(store, "a", states.REVOKED)
    assert claim(store, replace(revoked, publish="b")) == AlreadyFinished("REVOKED", publish=1)
    whole = task_in_parts(store)
    assert store.complete(whole, 7, NOW_MS, "0:1:0")
    assert claim(store, replace(whole, publish="b")) == AlreadyFinished("SUCCESS", publish=1)


def test_of_many_publishes_each_runs_once(store: TaskStore) -> None:
    message = ended_by(store, "0")
    published = [replace(message, publish=str(number)) for number in range(70)]
    for number, one in enumerate(published[1:], 1):
        assert claim(store, one, holder=str(number)) == Claimed(number + 1, 0, 0, publish=number)
        turn = number * TURNS_OF_A_PUBLISH
        assert store.finish([end(message, number + 1, turn=turn)]) == [WRITTEN]
    for number in (10, 40, 69):
        assert claim(store, published[number]) == AlreadyFinished("SUCCESS", publish=number)


def test_a_record_of_before_publishes_is_of_any(store: TaskStore) -> None:
    if not isinstance(store, DynamoTaskStore):
        pytest.skip("only DynamoDB keeps what an earlier version wrote")
    message = task(publish="a")
    item = pending_item(message, NOW_MS, Retention(3_600))
    del item["publish_id"]
    store._client.put_item(TableName=store._table, Item=item)
    assert claim(store, message) == Claimed(1, 0, 0)
    assert store.finish([end(message, 1)]) == [WRITTEN]
    assert claim(store, message) == AlreadyFinished("SUCCESS")


def test_a_letter_fails_the_publish_that_it_is_of(store: TaskStore) -> None:
    message = ended_by(store, "a")
    other = replace(message, publish="b")
    assert not store.fail(other, ERROR, NOW_MS)
    claim(store, other)
    assert not store.fail(message, ERROR, NOW_MS)
    assert not store.fail(replace(message, publish="c"), ERROR, NOW_MS)
    assert store.fail(other, ERROR, NOW_MS)
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.turn) == ("FAILURE", TURNS_OF_A_PUBLISH)


def test_a_letter_of_a_publish_that_waits_leaves_the_one_before(store: TaskStore) -> None:
    message = task(publish="a", eta_ms=NOW_MS + 9_000)
    store.enqueue(message, NOW_MS)
    assert not store.fail(replace(message, publish="b"), ERROR, NOW_MS)
    assert status_of(store, message) == "PENDING"


# ---------------------------------------------------------------- finish, release, progress


@pytest.mark.parametrize("result", [None, 0, "text", [1, {"a": None}], 1.5, "x" * 200_000])
def test_a_success_is_read_back(store: TaskStore, result: Any) -> None:
    message = started(store)
    assert store.finish([end(message, 1, result=result)]) == [WRITTEN]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.finished) == ("SUCCESS", True)
    assert record.result == result
    assert record.error is None
    assert record.finished_at_ms == NOW_MS + 5


def test_the_largest_result_beside_the_largest_progress_fits_the_record(store: TaskStore) -> None:
    message = started(store)
    assert store.set_progress(message.id, 1, "x" * (MAX_PROGRESS_BYTES - 2))
    empty = len(result_meta(message, states.SUCCESS, result="", at_ms=NOW_MS + 5))
    assert store.finish([end(message, 1, result="x" * (MAX_RESULT_BYTES - empty))]) == [WRITTEN]
    assert status_of(store, message) == states.SUCCESS


def test_a_record_that_no_item_holds_is_refused(store: TaskStore) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    message, other = started(store), started(store)
    assert store.finish([end(message, 1, result="x" * 410_000), end(other, 1)]) == [
        REFUSED,
        WRITTEN,
    ]
    assert status_of(store, message) == states.STARTED


def test_a_failure_is_read_back(store: TaskStore) -> None:
    message = started(store)
    assert store.finish([end(message, 1, states.FAILURE, error=ERROR)]) == [WRITTEN]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.result, record.error) == ("FAILURE", None, ERROR)


@pytest.mark.parametrize("status", [states.SUCCESS, states.FAILURE, states.REVOKED])
def test_a_finished_task_is_never_claimed_again(store: TaskStore, status: str) -> None:
    message = started(store)
    store.finish([end(message, 1, status)])
    assert claim(store, message, NOW_MS + 10**10) == AlreadyFinished(status)


def test_a_retry_waits_for_the_message_of_its_turn(store: TaskStore) -> None:
    message, due_ms = started(store), NOW_MS + 7_000
    retry = end(message, 1, states.RETRY, error=ERROR, retries=1, next_due_ms=due_ms)
    assert store.finish([retry]) == [WRITTEN]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.retries, record.error) == ("RETRY", 1, ERROR)
    assert (record.turn, record.due_at_ms, record.finished_at_ms) == (1, due_ms, None)
    again = next_turn(message, after=1)
    assert claim(store, message, due_ms) == Superseded()
    assert claim(store, again, due_ms, holder="m-2") == Claimed(2, 1, 0)
    assert claim(store, again, due_ms, holder="m-3") == HeldByOther("m-2")
    assert claim(store, message, due_ms + 10**6) == Superseded()


def test_a_retry_that_overtakes_its_record_is_not_held_up(store: TaskStore) -> None:
    message = started(store)
    again = next_turn(message, after=1)
    assert claim(store, again, holder="m-2") == Claimed(2, 1, 0)
    assert store.finish([end(message, 1, states.RETRY, next_due_ms=NOW_MS)]) == [LOST]
    assert store.finish([end(again, 2)]) == [WRITTEN]
    assert claim(store, again, NOW_MS + 10**10, holder="m-3") == AlreadyFinished("SUCCESS")


def test_a_retry_of_an_attempt_that_was_made_again_is_a_copy(store: TaskStore) -> None:
    message = started(store)
    later_ms = NOW_MS + LEASE_MS
    assert claim(store, message, later_ms) == Claimed(2, 0, 1)
    again = next_turn(message, after=1)
    assert claim(store, again, later_ms + 1, holder="m-2") == HeldByOther("m-1")
    assert claim(store, again, later_ms + LEASE_MS, holder="m-2") == Claimed(3, 1, 2)


def test_a_retry_sooner_than_the_one_that_is_recorded_is_a_copy(store: TaskStore) -> None:
    message, sooner_ms, due_ms = started(store), NOW_MS + 60_000, NOW_MS + 90_000
    sooner = replace(next_turn(message, after=1), eta_ms=sooner_ms)
    again = replace(next_turn(message, after=2), eta_ms=due_ms)
    assert claim(store, message, NOW_MS + LEASE_MS) == Claimed(2, 0, 1)
    assert store.finish([end(message, 2, states.RETRY, next_due_ms=due_ms)]) == [WRITTEN]
    assert claim(store, sooner, sooner_ms, holder="m-2") == Superseded()
    assert claim(store, again, due_ms, holder="m-3") == Claimed(3, 1, 0)
    assert store.release(message.id, 3)
    assert claim(store, sooner, due_ms, holder="m-2") == Superseded()
    assert claim(store, again, due_ms + 1, holder="m-3") == Claimed(4, 1, 0)


def test_a_retry_without_a_time_is_not_too_soon(store: TaskStore) -> None:
    message = started(store)
    again = next_turn(message, after=1)
    assert store.finish([end(message, 1, states.RETRY, next_due_ms=NOW_MS + 5)]) == [WRITTEN]
    assert claim(store, again, NOW_MS + 5, holder="m-2") == Claimed(2, 1, 0)
    assert store.release(message.id, 2)
    assert claim(store, again, NOW_MS + 6, holder="m-2") == Claimed(3, 1, 0)


def test_a_task_that_replaces_one_that_still_runs_waits_for_its_end(store: TaskStore) -> None:
    message = started(store)
    replacing = replace(message, turn=1_000_000)
    assert claim(store, replacing, holder="m-2") == Replacing(NOW_MS + LEASE_MS)
    assert store.finish([end(message, 1, states.RETRY, next_due_ms=NOW_MS)]) == [WRITTEN]
    assert claim(store, replacing, NOW_MS + 1, holder="m-2") == Claimed(2, 0, 0)


def test_one_of_a_message_s_copies_takes_each_hop(store: TaskStore) -> None:
    message = task(eta_ms=NOW_MS + 10**8)
    assert store.take_hop(Hop(message, 1, "m-1"), NOW_MS)
    assert not store.take_hop(Hop(message, 1, "m-2"), NOW_MS)
    assert store.take_hop(Hop(message, 1, "m-1"), NOW_MS)
    assert store.take_hop(Hop(message, 2, "m-3"), NOW_MS)
    assert not store.take_hop(Hop(message, 2, "m-4"), NOW_MS)
    assert not store.take_hop(Hop(message, 1, "m-1"), NOW_MS)


@pytest.mark.parametrize("other", [{"turn": 1}, {"after": 1}, {"eta_ms": NOW_MS + 10**7}])
def test_another_sending_of_a_task_has_hops_of_its_own(
    store: TaskStore, other: dict[str, Any]
) -> None:
    message = task(eta_ms=NOW_MS + 10**8)
    assert store.take_hop(Hop(message, 2, "m-1"), NOW_MS)
    assert store.take_hop(Hop(replace(message, **other), 1, "m-2"), NOW_MS)


def test_hops_are_forgotten_as_records_are(store: TaskStore) -> None:
    message = task(eta_ms=NOW_MS)
    assert store.take_hop(Hop(message, 2, "m-1"), NOW_MS)
    kept_ms = MAX_WAIT_SECONDS * 1000
    assert not store.take_hop(Hop(message, 1, "m-2"), NOW_MS + kept_ms - 1_000)
    assert store.take_hop(Hop(message, 1, "m-2"), NOW_MS + kept_ms)


def test_a_running_task_writes_its_meta(store: TaskStore) -> None:
    message = started(store)
    assert not store.set_meta(message.id, 2, b"{}")
    assert store.set_meta(message.id, 1, b'{"status":"HALF","result":[1]}')
    assert store.finish([end(message, 1, result=2)]) == [WRITTEN]
    assert not store.set_meta(message.id, 1, b"{}")


def test_a_retry_without_a_record_is_claimed_with_its_retries(store: TaskStore) -> None:
    again = replace(task(), turn=2, retries=2, after=0)
    assert claim(store, again) == Claimed(1, 2, 0)
    record = store.get(again.id)
    assert record is not None
    assert (record.turn, record.retries) == (2, 2)


def test_a_retry_whose_record_is_gone_is_neither_claimed_nor_failed(store: TaskStore) -> None:
    again = next_turn(task(), after=1)
    assert claim(store, again) == RecordGone()
    assert not store.fail(again, ERROR, NOW_MS)
    assert store.get(again.id) is None


def test_the_end_of_a_stale_attempt_is_refused(store: TaskStore) -> None:
    message = started(store)
    assert claim(store, message, NOW_MS + LEASE_MS) == Claimed(2, 0, 1)
    assert store.finish([end(message, 1, result="stale")]) == [LOST]
    assert store.finish([end(message, 2, result="good")]) == [WRITTEN]
    assert store.finish([end(message, 1, states.FAILURE, error=ERROR)]) == [LOST]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.result) == ("SUCCESS", "good")


def test_ends_stand_in_their_order_and_each_for_itself(store: TaskStore) -> None:
    one, other, unknown = started(store), started(store), task()
    assert store.finish([end(one, 1), end(unknown, 1), end(other, 7)]) == [WRITTEN, LOST, LOST]
    assert store.get(unknown.id) is None


def test_a_released_task_waits_again(store: TaskStore) -> None:
    message = started(store)
    assert not store.release(message.id, 2)
    assert store.release(message.id, 1)
    assert not store.release(message.id, 1)
    assert status_of(store, message) == states.PENDING
    assert claim(store, message) == Claimed(2, 0, 0)


@pytest.mark.parametrize("progress", [{"done": 3, "of": 7}, 0, "half", None])
def test_progress_is_written_by_who_holds_the_task(store: TaskStore, progress: Any) -> None:
    message = started(store)
    assert store.set_progress(message.id, 1, progress)
    assert not store.set_progress(message.id, 2, "stale")
    assert not store.set_progress("never-issued", 1, "stale")
    record = store.get(message.id)
    assert record is not None
    assert record.progress == progress


# ---------------------------------------------------------------- parts

PLAN = PartsPlan(2, 30, is_whole=True, cursor=["u1"])


def parts_of(store: TaskStore, message: Message) -> Parts:
    record = store.get(message.id)
    assert record is not None
    assert record.parts is not None
    return record.parts


def test_a_task_in_parts_is_in_progress_until_it_is_completed(store: TaskStore) -> None:
    message = started(store)
    assert store.plan_parts(message.id, 1, PLAN)
    assert status_of(store, message) == states.PROGRESS
    assert parts_of(store, message) == Parts(PLAN)
    assert store.complete(message, 30, NOW_MS + 9, "0:30:0")
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.result) == ("SUCCESS", 30)
    assert record.parts == Parts(PLAN, frozenset({"0:30:0"}))
    assert record.finished_at_ms == NOW_MS + 9
    assert claim(store, message, NOW_MS + 10**10) == AlreadyFinished("SUCCESS")


def test_a_later_plan_takes_the_place_of_an_earlier_one_and_what_was_told_stays(
    store: TaskStore,
) -> None:
    message = started(store)
    first = PartsPlan(64, 640, is_whole=False)
    store.plan_parts(message.id, 1, first)
    assert store.tell_shard(message.id, "0:640:0") == Parts(first, frozenset({"0:640:0"}))
    assert store.plan_parts(message.id, 1, PLAN)
    assert parts_of(store, message) == Parts(PLAN, frozenset({"0:640:0"}))


def test_only_who_holds_the_task_plans(store: TaskStore) -> None:
    message = started(store)
    assert not store.plan_parts(message.id, 2, PLAN)
    store.revoke(task_in_parts(store).id, NOW_MS)
    assert not store.plan_parts("never-issued", 1, PLAN)
    assert store.get("never-issued") is None


def test_who_planned_and_died_is_followed_by_another_worker(store: TaskStore) -> None:
    message = started(store)
    store.plan_parts(message.id, 1, PLAN)
    assert claim(store, message, NOW_MS + LEASE_MS - 1) == Leased(NOW_MS + LEASE_MS)
    assert claim(store, message, NOW_MS + LEASE_MS) == Claimed(2, 0, 1)
    assert not store.plan_parts(message.id, 1, PLAN)
    assert store.plan_parts(message.id, 2, PLAN)


def test_who_planned_goes_on_in_its_next_turn(store: TaskStore) -> None:
    message = started(store)
    store.plan_parts(message.id, 1, PLAN)
    assert store.finish([end(message, 1, states.PROGRESS, next_due_ms=NOW_MS)]) == [WRITTEN]
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.turn) == (states.PROGRESS, 1)
    assert not store.release(message.id, 1), "its end is written"
    assert claim(store, next_turn(message, after=1), holder="m-2") == Claimed(2, 1, 0)
    assert status_of(store, message) == states.STARTED


def test_who_planned_may_fail_or_be_given_back(store: TaskStore) -> None:
    failed, returned = task_in_parts(store), task_in_parts(store)
    assert store.finish([end(failed, 1, states.RETRY, next_due_ms=NOW_MS)]) == [WRITTEN]
    assert status_of(store, failed) == states.RETRY
    assert store.release(returned.id, 1)
    assert status_of(store, returned) == states.PENDING
    assert not store.release(returned.id, 1)


def test_a_task_without_a_plan_is_told_of_no_shard(store: TaskStore) -> None:
    assert store.tell_shard(started(store).id, "0:30:0") is None
    assert store.tell_shard("never-issued", "0:30:0") is None


@pytest.mark.parametrize("is_running", [False, True])
def test_a_task_in_parts_is_revoked(store: TaskStore, is_running: bool) -> None:
    message = task_in_parts(store)
    if is_running:
        claim(store, message, NOW_MS + LEASE_MS)
        assert status_of(store, message) == states.STARTED
    assert store.revoke(message.id, NOW_MS).status == states.REVOKED
    attempt = 2 if is_running else 1
    assert not store.plan_parts(message.id, attempt, PLAN)
    assert store.finish([end(message, attempt)]) == [LOST]
    assert not store.complete(message, 30, NOW_MS, "0:30:0")
    assert status_of(store, message) == states.REVOKED


# ---------------------------------------------------------------- shards


def test_a_shard_has_what_its_parts_counted_first(store: TaskStore) -> None:
    whole_id = f"test-{uuid.uuid4()}"
    store.finish_part(Part(whole_id, 64), Done(10), NOW_MS)
    store.finish_part(Part(whole_id, 127), Done(0), NOW_MS)
    shard = store.finish_part(Part(whole_id, 64), Done(9), NOW_MS)
    assert shard == Shard(1, {64: 10, 127: 0})
    assert store.shards(whole_id, [0, 1]) == [Shard(0), shard]


def test_a_failed_part_is_done_when_it_is_redriven(store: TaskStore) -> None:
    part = Part(f"test-{uuid.uuid4()}", 65)
    store.finish_part(Part(part.whole_id, 66), Failed("first"), NOW_MS)
    failed = store.finish_part(part, Failed("second"), NOW_MS)
    assert failed == Shard(1, {}, frozenset({65, 66}), "first")
    shard = store.finish_part(part, Done(3), NOW_MS)
    assert store.finish_part(part, Failed("late"), NOW_MS) == shard
    assert (shard.counts, shard.failures) == ({65: 3}, 1)


def test_the_last_shard_is_told_how_many_parts_there_are(store: TaskStore) -> None:
    whole_id = f"test-{uuid.uuid4()}"
    store.finish_part(Part(whole_id, 64), Done(1), NOW_MS)
    shard = store.set_group_size(whole_id, 66, NOW_MS)
    assert shard == Shard(1, {64: 1}, size=66)
    assert store.shards(whole_id, [0, 1]) == [Shard(0), shard]
    assert store.set_group_size(f"{whole_id}-full", 64, NOW_MS).number == 0


def test_of_parts_that_end_at_once_one_sees_the_shard_full(store: TaskStore) -> None:
    whole_id = f"test-{uuid.uuid4()}"

    def finish(index: int) -> Shard:
        return store.finish_part(Part(whole_id, index % 16), Done(3), NOW_MS)

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(finish, range(32)))
    assert max(shard.count for shard in seen) == 48
    assert any(shard.is_full(16) for shard in seen)


# ---------------------------------------------------------------- complete, fail, revoke, reset


def test_complete_says_whether_it_was_first(store: TaskStore) -> None:
    message = started(store)
    assert store.complete(message, 1, NOW_MS, "0:1:0")
    assert not store.complete(message, 2, NOW_MS, "0:1:0")
    assert not store.complete(task(), 1, NOW_MS, "0:1:0")
    record = store.get(message.id)
    assert record is not None
    assert record.result == 1


def test_fail_writes_an_unknown_task_too(store: TaskStore) -> None:
    message = replace(task(), turn=3)
    assert store.fail(message, ERROR, NOW_MS)
    record = store.get(message.id)
    assert record is not None
    assert (record.task, record.queue, record.status) == ("add", "work", "FAILURE")
    assert (record.error, record.attempts, record.finished_at_ms) == (ERROR, 0, NOW_MS)
    assert record.turn == 3
    assert claim(store, message) == AlreadyFinished("FAILURE")


@pytest.mark.parametrize("status", [states.SUCCESS, states.FAILURE, states.REVOKED])
def test_fail_leaves_what_has_ended(store: TaskStore, status: str) -> None:
    message = started(store)
    store.finish([end(message, 1, status)])
    assert not store.fail(message, ERROR, NOW_MS)
    assert status_of(store, message) == status


def test_fail_ends_what_runs_and_its_worker_is_too_late(store: TaskStore) -> None:
    message = started(store)
    assert store.fail(message, ERROR, NOW_MS)
    assert store.finish([end(message, 1)]) == [LOST]
    assert status_of(store, message) == states.FAILURE


def test_a_late_letter_does_not_fail_a_later_turn(store: TaskStore) -> None:
    message = started(store)
    store.finish([end(message, 1, states.RETRY, next_due_ms=NOW_MS)])
    again = next_turn(message, after=1)
    claim(store, again, holder="m-2")
    assert not store.fail(message, ERROR, NOW_MS)
    assert status_of(store, message) == states.STARTED
    assert store.fail(again, ERROR, NOW_MS)


def test_a_late_letter_does_not_fail_a_later_attempt(store: TaskStore) -> None:
    message = started(store)
    assert claim(store, message, NOW_MS + LEASE_MS) == Claimed(2, 0, 1)
    assert not store.fail(message, ERROR, NOW_MS, attempt=1)
    assert status_of(store, message) == states.STARTED
    assert store.fail(message, ERROR, NOW_MS, attempt=2)


def test_a_letter_of_a_task_without_a_record_fails_it_with_its_attempt(store: TaskStore) -> None:
    message = task()
    assert store.fail(message, ERROR, NOW_MS, attempt=0)
    assert status_of(store, message) == states.FAILURE


def test_a_record_of_an_earlier_version_has_turn_0(dynamo_store: DynamoTaskStore) -> None:
    claimed, failed = task(), task()
    for message in (claimed, failed):
        item = pending_item(message, NOW_MS, Retention(3_600))
        del item["turn"]
        dynamo_store._client.put_item(TableName=dynamo_store._table, Item=item)
    assert claim(dynamo_store, claimed) == Claimed(1, 0, 0)
    assert dynamo_store.finish([end(claimed, 1)]) == [WRITTEN]
    assert dynamo_store.fail(failed, ERROR, NOW_MS)


def test_a_waiting_task_is_revoked_and_stays_so(store: TaskStore) -> None:
    message = task()
    store.enqueue(message, NOW_MS)
    record = store.revoke(message.id, NOW_MS + 1)
    assert (record.status, record.finished_at_ms) == ("REVOKED", NOW_MS + 1)
    assert record.error is not None
    assert record.error.type == "TaskRevokedError"
    assert store.revoke(message.id, NOW_MS + 2).status == states.REVOKED
    assert claim(store, message) == AlreadyFinished("REVOKED")
    assert not store.complete(message, 1, NOW_MS, "0:1:0")


def test_a_task_that_waits_for_another_try_is_revoked(store: TaskStore) -> None:
    message = started(store)
    store.finish([end(message, 1, states.RETRY, next_due_ms=NOW_MS)])
    assert store.revoke(message.id, NOW_MS).status == states.REVOKED


@pytest.mark.parametrize("status", [None, states.SUCCESS, states.FAILURE])
def test_what_has_started_or_finished_is_not_revoked(store: TaskStore, status: str | None) -> None:
    message = started(store)
    if status:
        store.finish([end(message, 1, status)])
    with pytest.raises(TaskAlreadyStarted):
        store.revoke(message.id, NOW_MS)


def test_what_is_unknown_is_not_revoked(store: TaskStore) -> None:
    with pytest.raises(TaskNotFound):
        store.revoke("never-issued", NOW_MS)


def test_a_task_that_is_revoked_unseen_is_sent_and_not_run(store: TaskStore) -> None:
    message = task()
    assert store.revoke_unseen(message.id, NOW_MS)
    assert status_of(store, message) == states.REVOKED
    assert store.enqueue(message, NOW_MS) == Enqueued.WAITING
    assert store.enqueue_many([message], NOW_MS) == [Enqueued.WAITING]
    assert claim(store, message) == AlreadyFinished("REVOKED")
    assert not store.fail(message, ERROR, NOW_MS)


@pytest.mark.parametrize("is_one_of_many", [True, False])
def test_a_task_that_is_revoked_unseen_stays_so_until_its_message_comes(
    dynamo_store: DynamoTaskStore, is_one_of_many: bool
) -> None:
    revoked_ms = NOW_MS - 1_000 * MAX_WAIT_SECONDS
    message = task(eta_ms=NOW_MS + 5)
    assert dynamo_store.revoke_unseen(message.id, revoked_ms)
    if is_one_of_many:
        dynamo_store.enqueue_many([message], revoked_ms)
    else:
        dynamo_store.enqueue(message, revoked_ms)
    assert status_of(dynamo_store, message) == states.REVOKED


def test_a_task_that_has_a_record_is_not_revoked_unseen(store: TaskStore) -> None:
    message = started(store)
    assert not store.revoke_unseen(message.id, NOW_MS)
    assert status_of(store, message) == states.STARTED


def test_a_failed_task_is_reset_for_a_new_turn_with_a_clean_slate(store: TaskStore) -> None:
    message = task(eta_ms=NOW_MS + 5)
    for died in range(3):
        claim(store, message, NOW_MS + died * LEASE_MS)
    store.fail(message, ERROR, NOW_MS)
    again = replace(message, turn=1)
    assert store.reset(again, NOW_MS + 7)
    record = store.get(message.id)
    assert record is not None
    assert (record.status, record.error, record.retries) == ("PENDING", None, 0)
    assert (record.enqueued_at_ms, record.finished_at_ms) == (NOW_MS + 7, None)
    assert (record.turn, record.due_at_ms) == (1, None)
    assert claim(store, message, holder="m-2") == Superseded()
    assert claim(store, again, holder="m-3") == Claimed(4, 0, 0)


@pytest.mark.parametrize("status", [None, states.SUCCESS, states.REVOKED])
def test_only_a_failed_task_is_reset(store: TaskStore, status: str | None) -> None:
    message = started(store)
    if status:
        store.finish([end(message, 1, status)])
    assert not store.reset(replace(message, turn=1), NOW_MS)
    assert status_of(store, message) == (status or states.STARTED)
    assert not store.reset(task(), NOW_MS)


# ---------------------------------------------------------------- expiry


def expired(store: TaskStore) -> Message:
    """Return a task whose record DynamoDB may have removed by now, and has not."""
    message = task()
    store.enqueue(message, NOW_MS - 1_000 * MAX_WAIT_SECONDS)
    return message


def test_a_record_that_has_expired_is_gone(store: TaskStore) -> None:
    message, other = expired(store), task()
    store.enqueue(other, NOW_MS + 1_000 - 1_000 * MAX_WAIT_SECONDS)

    assert store.get(message.id) is None
    assert store.get_many([message.id, other.id]).keys() == {other.id}
    with pytest.raises(TaskNotFound):
        store.revoke(message.id, NOW_MS)


def test_the_id_of_a_record_that_has_expired_is_free(store: TaskStore) -> None:
    message, other = expired(store), expired(store)

    assert store.enqueue(message, NOW_MS) is Enqueued.NEW
    assert store.enqueue_many([other, task()], NOW_MS) == [Enqueued.NEW, Enqueued.NEW]
    assert status_of(store, message) == status_of(store, other) == states.PENDING


def test_a_shard_that_has_expired_is_gone(store: TaskStore) -> None:
    part = Part(f"test-{uuid.uuid4()}", 3)
    store.finish_part(part, Done(1), NOW_MS - 1_000 * MAX_WAIT_SECONDS)

    assert store.shards(part.whole_id, [0]) == [Shard(0)]
    assert store.finish_part(replace(part, index=4), Done(2), NOW_MS) == Shard(0, {4: 2})
    assert store.set_group_size(part.whole_id, 5, NOW_MS) == Shard(0, {4: 2}, size=5)


# ---------------------------------------------------------------- many at once


def test_many_are_enqueued_at_once(store: TaskStore) -> None:
    new, known, begun = task(), task(), started(store)
    store.enqueue(known, NOW_MS)
    many = [new, known, begun, *(task() for _ in range(30))]
    found = store.enqueue_many(many, NOW_MS)
    assert found == [Enqueued.NEW, Enqueued.WAITING, Enqueued.BEGUN, *[Enqueued.NEW] * 30]
    assert {status_of(store, message) for message in many} == {"PENDING", "STARTED"}


def test_one_of_many_that_has_another_task_s_id_leaves_none_of_them(store: TaskStore) -> None:
    other, new = task(), [task() for _ in range(30)]
    store.enqueue(other, NOW_MS)
    clash = Message("subtract", other.id, queue="work")
    with pytest.raises(TaskIdTaken):
        store.enqueue_many([*new, clash], NOW_MS)
    assert [store.get(message.id) for message in new] == [None] * 30
    assert status_of(store, other) == "PENDING"
