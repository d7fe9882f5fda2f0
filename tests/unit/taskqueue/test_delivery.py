"""What a delivery knows of its time, and what is refused before it runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.app import App
from taskqueue.errors import PoisonMessage
from taskqueue.message import Message, encode
from taskqueue.worker.delivery import MAX_WAIT_MS, read
from tests.unit.taskqueue.deliveries import NOW_MS, delivery, sqs_record


def add(a: int, b: int = 0) -> int:
    return a + b


def test_a_delivery_carries_what_sqs_says_of_it() -> None:
    app = App("test", queue="work")
    app.task(add)
    body = encode(Message("add", "id-1", [1], queue="celery"))
    read_one = read(sqs_record(body, message_id="m", sent_at_ms=5, receives=3), app, "work")
    assert (read_one.message_id, read_one.receipt_handle) == ("m", "receipt of m")
    assert (read_one.receive_count, read_one.sent_at_ms, read_one.body) == (3, 5, body)
    assert read_one.message.queue == "work"
    assert read_one.task is app.tasks["add"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message("ad", "i", [1]), "unknown task 'ad'; this worker knows add"),
        (Message("add", "i"), "do not fit add: missing a required argument: 'a'"),
        (Message("add", "i", [1, 2, 3]), "too many positional arguments"),
        (Message("add", "i", [1], {"c": 2}), "unexpected keyword argument 'c'"),
        (Message("add", "i", [1], {"a": 2}), "multiple values for argument 'a'"),
    ],
)
def test_unknown_tasks_and_arguments_that_do_not_fit_are_poison(
    message: Message, reason: str
) -> None:
    app = App("test", queue="work")
    app.task(add)
    with pytest.raises(PoisonMessage) as caught:
        read(sqs_record(encode(message)), app, "work")
    assert reason in caught.value.reason
    assert (caught.value.task_id, caught.value.task) == ("i", message.task)


def test_a_bound_task_s_context_is_no_argument_of_the_caller_s() -> None:
    def bound(run: object, a: int) -> int:
        return a

    assert delivery(bound, bind=True, message={"args": [1]}).message.args == [1]
    with pytest.raises(PoisonMessage):
        delivery(bound, bind=True, message={"args": [1, 2]})


@pytest.mark.parametrize(
    ("left_ms", "early"), [(MAX_WAIT_MS + 1, True), (MAX_WAIT_MS, False), (0, False), (-1, False)]
)
def test_early_is_what_the_worker_does_not_wait_for(left_ms: int, early: bool) -> None:
    assert delivery(message={"eta_ms": NOW_MS + left_ms}).is_early(NOW_MS) is early


def test_a_task_without_an_eta_is_never_early() -> None:
    assert not delivery().is_early(0)


@pytest.mark.parametrize(("left_ms", "expired"), [(1, False), (0, True), (-1, True)])
def test_the_caller_s_expiry(left_ms: int, expired: bool) -> None:
    assert delivery(message={"expires_at_ms": NOW_MS + left_ms}).has_expired(NOW_MS) is expired


@pytest.mark.parametrize(("age_ms", "expired"), [(9_999, False), (10_000, True)])
def test_the_task_s_own_expiry_counts_from_its_sending(age_ms: int, expired: bool) -> None:
    assert delivery(expires=10).has_expired(NOW_MS + age_ms) is expired


@pytest.mark.parametrize(("after_ms", "expired"), [(9_999, False), (10_000, True)])
def test_the_task_s_own_expiry_counts_from_its_eta(after_ms: int, expired: bool) -> None:
    due_ms = NOW_MS + 3_600_000
    late = delivery(expires=10, message={"eta_ms": due_ms})
    assert late.has_expired(due_ms + after_ms) is expired


@given(eta_ms=st.none() | st.integers(0, NOW_MS * 2), now_ms=st.integers(0, NOW_MS * 2))
def test_what_is_not_early_is_waited_for_two_seconds_at_most(
    eta_ms: int | None, now_ms: int
) -> None:
    one = delivery(message={"eta_ms": eta_ms})
    assert one.is_early(now_ms) or one.due_at_ms - now_ms <= MAX_WAIT_MS
