"""How an attempt ends: what is written, sent again and sent to the dead letters."""

import json
from typing import Any

import pytest

from taskqueue.errors import Retry
from taskqueue.message import MAX_BYTES, Message, decode, encode
from taskqueue.records import states
from taskqueue.worker import outcome
from taskqueue.worker.outcome import MAX_RESULT_BYTES, Attempt
from tests.unit.taskqueue.deliveries import NOW_MS, delivery


def attempt(number: int = 1, retries: int = 0, **options: Any) -> Attempt:
    return Attempt(delivery(**options), number, retries)


def test_success_is_final_and_holds_the_result() -> None:
    end = outcome.succeeded(attempt(number=4, retries=2), {"n": 3}, NOW_MS)
    assert end.finish is not None
    assert (end.status, end.again, end.dead_letter_reason) == ("SUCCESS", None, None)
    assert (end.finish.task_id, end.finish.attempt, end.finish.retries) == ("id-1", 4, 2)
    assert (end.finish.next_due_ms, end.finish.at_ms) == (None, NOW_MS)
    assert json.loads(end.finish.meta)["result"] == {"n": 3}


@pytest.mark.parametrize(
    "options", [{"ignore_result": True}, {"message": {"ignore_result": True}}], ids=str
)
def test_an_ignored_result_is_not_written(options: dict[str, Any]) -> None:
    end = outcome.succeeded(attempt(**options), object(), NOW_MS)
    assert end.finish is not None
    assert json.loads(end.finish.meta)["result"] is None


@pytest.mark.parametrize("value", [object(), float("nan"), {1}, "x" * MAX_RESULT_BYTES])
def test_a_result_that_cannot_be_stored_is_an_error(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        outcome.succeeded(attempt(), value, NOW_MS)


def test_the_largest_result_is_stored() -> None:
    end = outcome.succeeded(attempt(), "x" * (MAX_RESULT_BYTES - 400), NOW_MS)
    assert end.finish is not None
    assert MAX_RESULT_BYTES - 400 < len(end.finish.meta) <= MAX_RESULT_BYTES


def test_a_failure_without_retries_is_no_dead_letter() -> None:
    end = outcome.failed(attempt(), ValueError("no"), NOW_MS)
    assert end.finish is not None
    assert (end.status, end.again, end.dead_letter_reason) == ("FAILURE", None, None)
    assert end.finish.next_due_ms is None
    assert json.loads(end.finish.meta)["result"] == {
        "exc_type": "ValueError",
        "exc_message": ["no"],
        "exc_module": "builtins",
    }


def test_exhausted_retries_are_a_failure_and_a_dead_letter() -> None:
    end = outcome.failed(attempt(retries=3, autoretry_for=(OSError,)), OSError("gone"), NOW_MS)
    assert end.status == states.FAILURE
    assert end.dead_letter_reason == "failed after 3 retries: OSError: gone"


def test_a_failure_of_a_task_without_a_record_is_a_dead_letter() -> None:
    end = outcome.failed(attempt(number=0, idempotent=True), ValueError("no"), NOW_MS)
    assert end.finish is None
    assert end.dead_letter_reason == "failed after 0 retries: ValueError: no"


def test_a_retry_is_the_same_message_for_the_next_turn() -> None:
    one = attempt(number=2, retries=1, message={"turn": 1, "retries": 1})
    end = outcome.failed(one, Retry(countdown_seconds=7.25), NOW_MS)
    assert end.finish is not None
    assert end.again is not None
    assert (end.status, end.finish.retries, end.finish.next_due_ms) == ("RETRY", 2, NOW_MS + 7_250)
    message = decode(end.again.body)
    assert (message.id, message.turn, message.retries, message.after) == ("id-1", 2, 2, 2)
    assert message.eta_ms == end.again.message.eta_ms == NOW_MS + 7_250


def test_a_retry_that_does_not_fit_a_message_any_more_is_a_failure() -> None:
    room = MAX_BYTES - len(encode(Message("t", "id-1", [""])))
    full = {"args": ["x" * (room // 4 * 3 - 8)]}
    end = outcome.failed(attempt(message=full), Retry(5), NOW_MS)
    assert (end.status, end.again) == ("FAILURE", None)
    assert end.dead_letter_reason is not None


def test_a_retry_tells_its_cause() -> None:
    end = outcome.failed(attempt(), Retry(5, KeyError("k")), NOW_MS)
    assert end.finish is not None
    assert json.loads(end.finish.meta)["result"]["exc_type"] == "KeyError"


def test_expired_is_revoked_as_celery_has_it() -> None:
    end = outcome.expired(attempt(), NOW_MS)
    assert end.finish is not None
    assert (end.status, end.again, end.dead_letter_reason) == ("REVOKED", None, None)
    meta = json.loads(end.finish.meta)
    assert (meta["status"], meta["result"]["exc_type"]) == ("REVOKED", "TaskRevokedError")
