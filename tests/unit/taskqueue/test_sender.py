"""Sending: the record first, then the message, and nothing half done."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.aws.unprocessed import MAX_TRIES, Patience
from taskqueue.errors import (
    MessageTooLarge,
    SendError,
    SendRefused,
    StoreError,
    TaskIdTaken,
    Throttled,
    WrongArguments,
)
from taskqueue.message import MAX_BYTES, Message, decode, encode
from taskqueue.queue import Queue
from taskqueue.records.lease import Claim
from taskqueue.records.store import Enqueued
from taskqueue.sending.sender import (
    MAX_BATCH_ENTRIES,
    MESSAGE_EARLY_MS,
    Outgoing,
    SendAgain,
    Sender,
    SqsEntry,
    batches,
    delay_seconds,
)
from taskqueue.testing.broker import MemoryBroker
from taskqueue.testing.records import MemoryTaskStore
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.rig import Fuse

REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SendMessage")
UNREACHABLE = EndpointConnectionError(endpoint_url="x")
QUARTER_MS = 900_000
IDS = ["id-0", "id-1", "id-2"]


class Delayed:
    """Takes what is due in more than 15 minutes."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.error: Exception | None = None

    def send(self, queue: Any, message: Message, body: str) -> None:
        if self.error:
            raise self.error
        self.sent.append((message.id, message.eta_ms or 0))


class Scene:
    """A sender with one queue, and what came of it."""

    def __init__(self) -> None:
        self.fuse = Fuse()
        self.store = MemoryTaskStore()
        self.broker = MemoryBroker(lambda: NOW_MS)
        self.queue = self.broker.create_queue("work")
        self.delayed = Delayed()
        delayed: Any = self.delayed
        self.sender = Sender(
            self.fuse.wrap(self.broker),
            self.fuse.wrap(self.store),
            {"work": self.queue},
            delayed,
            patience=Patience(lambda _seconds: None),
        )

    def sent(self) -> list[str]:
        return [decode(one.body).id for one in self.broker.messages(self.queue.url)]


@pytest.fixture
def out() -> Scene:
    return Scene()


def message(**fields: Any) -> Message:
    return Message("add", **{"id": "a", "args": [1], "queue": "work", **fields})


def test_the_record_is_written_before_the_message_is_sent(out: Scene) -> None:
    assert out.sender.send(message(), NOW_MS) is Enqueued.NEW
    assert out.fuse.calls == ["enqueue", "send_message"]
    record = out.store.get("a")
    assert record is not None
    assert (record.status, record.enqueued_at_ms) == ("PENDING", NOW_MS)
    assert out.sent() == ["a"]


def test_sending_twice_while_it_waits_sends_the_message_again(out: Scene) -> None:
    out.sender.send(message(), NOW_MS)
    assert out.sender.send(message(), NOW_MS) is Enqueued.WAITING
    assert out.sent() == ["a", "a"]


def test_sending_what_has_begun_sends_nothing(out: Scene) -> None:
    out.sender.send(message(), NOW_MS)
    out.store.claim([Claim(message(), NOW_MS + 1, "m-1", "n-0")], NOW_MS)
    assert out.sender.send(message(), NOW_MS) is Enqueued.BEGUN
    assert out.sent() == ["a"]


def test_an_id_of_another_task_s_is_refused_and_nothing_is_sent(out: Scene) -> None:
    out.sender.send(message(), NOW_MS)
    with pytest.raises(TaskIdTaken):
        out.sender.send(Message("other", "a", queue="work"), NOW_MS)
    assert out.sent() == ["a"]


@pytest.mark.parametrize("error", [REFUSED, UNREACHABLE], ids=["refused", "unreachable"])
def test_a_message_that_is_not_sent_leaves_no_record(out: Scene, error: Exception) -> None:
    out.fuse.errors["send_message"] = [error]
    with pytest.raises(SendError):
        out.sender.send(message(), NOW_MS)
    assert out.store.get("a") is None
    assert out.sent() == []


def test_a_second_sending_that_fails_leaves_the_first_one_s_record(out: Scene) -> None:
    out.sender.send(message(), NOW_MS)
    out.fuse.errors["send_message"] = [REFUSED]
    with pytest.raises(SendError):
        out.sender.send(message(), NOW_MS)
    assert out.store.get("a") is not None


@pytest.mark.parametrize("error", [StoreError(), Throttled()])
def test_a_record_that_is_not_written_sends_nothing(out: Scene, error: StoreError) -> None:
    out.fuse.errors["enqueue"] = [error]
    with pytest.raises(StoreError):
        out.sender.send(message(), NOW_MS)
    assert out.sent() == []


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (message(args=["x" * MAX_BYTES]), MessageTooLarge),
        (message(args=[float("nan")]), WrongArguments),
        (message(args=[object()]), WrongArguments),
        (message(queue="nowhere"), SendError),
    ],
)
def test_what_cannot_be_sent_makes_no_request(
    out: Scene, bad: Message, error: type[Exception]
) -> None:
    with pytest.raises(error):
        out.sender.send(bad, NOW_MS)
    assert out.fuse.calls == []


def test_up_to_fifteen_minutes_are_sqs_s_delay(out: Scene) -> None:
    out.sender.send(message(eta_ms=NOW_MS + QUARTER_MS), NOW_MS)
    (sent,) = out.broker.messages(out.queue.url)
    assert sent.visible_at_ms == NOW_MS + QUARTER_MS - MESSAGE_EARLY_MS
    assert out.delayed.sent == []


def test_more_than_fifteen_minutes_are_a_schedule(out: Scene) -> None:
    due_ms = NOW_MS + QUARTER_MS + 1
    assert out.sender.send(message(eta_ms=due_ms), NOW_MS) is Enqueued.NEW
    assert out.delayed.sent == [("a", due_ms)]
    assert out.sent() == []


def test_a_schedule_that_is_refused_leaves_no_record(out: Scene) -> None:
    out.delayed.error = MessageTooLarge()
    with pytest.raises(MessageTooLarge):
        out.sender.send(message(eta_ms=NOW_MS + 2 * QUARTER_MS), NOW_MS)
    assert out.store.get("a") is None


def test_unrecorded_tasks_go_ten_a_request(out: Scene) -> None:
    out.sender.send_unrecorded([message(id=f"id-{number}") for number in range(21)], NOW_MS)
    assert out.fuse.calls == ["send_message_batch"] * 3
    assert out.sent() == [f"id-{number}" for number in range(21)]
    assert out.store.get("id-0") is None


@pytest.mark.parametrize(
    ("left_ms", "seconds"),
    [(None, 0), (-5_000, 0), (0, 0), (1_999, 0), (2_000, 1), (2_999, 1), (10**9, 900)],
)
def test_the_delay_is_whole_seconds_and_never_too_long(left_ms: int | None, seconds: int) -> None:
    eta_ms = None if left_ms is None else NOW_MS + left_ms
    assert delay_seconds(message(eta_ms=eta_ms), NOW_MS) == seconds


def outgoing(length: int) -> Outgoing:
    queue = Queue("work", "u", "a")
    entry: SqsEntry = {"MessageBody": "x" * length, "DelaySeconds": 0}
    return Outgoing(message(), queue, entry, is_scheduled=False)


@given(st.lists(st.integers(1, MAX_BYTES), max_size=60))
def test_batches_keep_the_order_and_both_limits(lengths: list[int]) -> None:
    entries = [outgoing(length) for length in lengths]
    found = list(batches(entries))
    assert [one for batch in found for one in batch] == entries
    for batch in found:
        assert 1 <= len(batch) <= MAX_BATCH_ENTRIES
        assert sum(len(one.entry["MessageBody"]) for one in batch) <= MAX_BYTES


def test_full_batches_are_filled() -> None:
    assert [len(batch) for batch in batches([outgoing(1)] * 20)] == [10, 10]


def test_many_are_recorded_in_one_request_and_sent_ten_a_request(out: Scene) -> None:
    out.sender.send_many([message(id=f"id-{number}") for number in range(21)], NOW_MS)
    assert out.fuse.calls == ["enqueue_many", *["send_message_batch"] * 3]
    assert out.sent() == [f"id-{number}" for number in range(21)]
    assert out.store.get("id-20") is not None


def test_of_many_those_that_have_begun_are_not_sent(out: Scene) -> None:
    out.sender.send(message(id="id-1"), NOW_MS)
    out.store.claim([Claim(message(id="id-1"), NOW_MS + 1, "m-1", "n-0")], NOW_MS)
    out.sender.send_many([message(id=f"id-{number}") for number in range(3)], NOW_MS)
    assert out.sent() == ["id-1", "id-0", "id-2"]


def test_of_many_those_that_are_not_sent_leave_no_record(out: Scene) -> None:
    out.fuse.errors["send_message_batch"] = [REFUSED]
    with pytest.raises(SendRefused, match="did not take 10 messages"):
        out.sender.send_many([message(id=f"id-{number}") for number in range(12)], NOW_MS)
    assert out.sent() == ["id-10", "id-11"]
    assert [out.store.get(f"id-{number}") is None for number in range(12)] == [True] * 10 + [
        False
    ] * 2


def test_what_is_refused_together_is_sent_again_one_by_one(out: Scene) -> None:
    out.fuse.errors["send_message_batch"] = [REFUSED, REFUSED]
    again = [SendAgain(message(id=name), encode(message(id=name))) for name in "abc"]
    assert out.sender.send_again(again, NOW_MS).keys() == {"a"}
    assert out.sent() == ["b", "c"]


def test_a_message_for_an_unknown_queue_keeps_no_other(out: Scene) -> None:
    unknown = message(id="a", queue="elsewhere")
    again = [SendAgain(one, encode(one)) for one in (unknown, message(id="b"))]
    unsent = out.sender.send_again(again, NOW_MS)
    assert unsent.keys() == {"a"}
    assert isinstance(unsent["a"], SendRefused)
    assert out.sent() == ["b"]


class RefusingBroker(MemoryBroker):
    """Refuses, so many times, the messages with these ids, and takes the others."""

    def refuse(self, times: int, *task_ids: str) -> None:
        self.left = times
        self.refused = task_ids
        self.asked: list[list[str]] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        entries = request["Entries"]
        ids = [decode(entry["MessageBody"]).id for entry in entries]
        self.asked.append(ids)
        refused = [
            entry
            for entry, task_id in zip(entries, ids, strict=True)
            if self.left and task_id in self.refused
        ]
        self.left = max(0, self.left - 1)
        taken = [entry for entry in entries if entry not in refused]
        super().send_message_batch(**{**request, "Entries": taken})
        return {"Failed": [{"Id": entry["Id"]} for entry in refused]}


@pytest.mark.parametrize(
    ("times", "is_sent"), [(1, True), (MAX_TRIES - 1, True), (MAX_TRIES, False)]
)
def test_what_sqs_refuses_alone_is_sent_up_to_six_times(times: int, is_sent: bool) -> None:
    broker = RefusingBroker(lambda: NOW_MS)
    broker.refuse(times, "id-1")
    queue = broker.create_queue("work")
    sqs: Any = broker
    sender = Sender(
        sqs, MemoryTaskStore(), {"work": queue}, patience=Patience(lambda _seconds: None)
    )
    messages = [SendAgain(message(id=task_id), encode(message(id=task_id))) for task_id in IDS]
    assert sender.send_again(messages, NOW_MS).keys() == (set() if is_sent else {"id-1"})
    assert broker.asked == [IDS, *[["id-1"]] * min(times, MAX_TRIES - 1)]


@pytest.mark.parametrize(
    ("code", "requests", "kind"),
    [("InternalError", MAX_TRIES, SendError), ("InvalidMessageContents", 1, SendRefused)],
)
def test_a_message_that_sqs_refuses_for_good_is_not_tried_again(
    out: Scene, code: str, requests: int, kind: type[SendError]
) -> None:
    def refuse(**request: Any) -> dict[str, Any]:
        return {"Failed": [{"Id": one["Id"], "Code": code} for one in request["Entries"]]}

    out.broker.send_message_batch = refuse  # type: ignore[method-assign]
    with pytest.raises(kind) as raised:
        out.sender.send_unrecorded([message()], NOW_MS)
    assert raised.type is kind
    assert out.fuse.calls == ["send_message_batch"] * requests


def test_a_record_that_cannot_be_removed_keeps_no_other(out: Scene) -> None:
    out.fuse.errors["send_message_batch"] = [UNREACHABLE]
    out.fuse.errors["forget"] = [Throttled()]
    with pytest.raises(Throttled):
        out.sender.send_many([message(id=name) for name in "abc"], NOW_MS)
    assert [out.store.get(name) is None for name in "abc"] == [False, True, True]
    out.sender.send_many([message(id=name) for name in "abc"], NOW_MS)
    assert out.sent() == ["a", "b", "c"]


def test_of_many_those_that_are_far_off_are_schedules(out: Scene) -> None:
    far_ms = NOW_MS + 2 * QUARTER_MS
    out.sender.send_many([message(id="a"), message(id="b", eta_ms=far_ms)], NOW_MS)
    assert out.sent() == ["a"]
    assert out.delayed.sent == [("b", far_ms)]


def test_one_of_many_that_has_another_task_s_id_stops_all(out: Scene) -> None:
    out.sender.send(Message("other", "b", queue="work"), NOW_MS)
    with pytest.raises(TaskIdTaken):
        out.sender.send_many([message(id="a"), message(id="b")], NOW_MS)
    assert out.store.get("a") is None
    assert out.sent() == ["b"]


def test_a_group_is_sqs_s_message_group(out: Scene) -> None:
    out.sender.send(message(group_id="user 80"), NOW_MS)
    out.sender.send_unrecorded([message(id="b", group_id="user 81")], NOW_MS)
    groups = [one.group_id for one in out.broker.messages(out.queue.url)]
    assert groups == ["user 80", "user 81"]


def raw_with_euros(task_id: str, count: int, eta_ms: int) -> SendAgain:
    """Return a message as a client may write it: not all of it ASCII, each of these three bytes."""
    again = message(id=task_id, eta_ms=eta_ms)
    body = encode(again)[:-1] + ',"euros":"' + "\u20ac" * count + '"}'
    return SendAgain(again, body)


def test_a_message_has_as_many_bytes_as_utf_8_takes(out: Scene) -> None:
    near, far = NOW_MS + 600_000, NOW_MS + 3_600_000
    large = [raw_with_euros(task_id, 300_000, near) for task_id in "ab"]
    assert out.sender.send_again(large, NOW_MS) == {}
    assert out.fuse.calls == ["send_message_batch"] * 2
    assert out.sender.goes_by_hops(raw_with_euros("c", 100_000, far), NOW_MS)
    with pytest.raises(MessageTooLarge):
        encode(message(id="d", encoded="\u20ac" * 350_000))
