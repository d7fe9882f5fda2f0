"""Celery's result meta: what is written of results and errors."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.message import MAX_NAME_LENGTH, Message
from taskqueue.records import states
from taskqueue.records.meta import MAX_ERROR_LENGTH, ErrorInfo, outcome_of, result_meta
from taskqueue.records.record import TaskRecord

MESSAGE = Message("add", "id-1", [1], {"b": 2}, queue="work", parent_id="p")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


def deep(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(depth):
        nested = [nested]
    return nested


def test_the_meta_of_a_success() -> None:
    meta = json.loads(result_meta(MESSAGE, states.SUCCESS, result=3, retries=1, at_ms=0))
    assert meta == {
        "status": "SUCCESS",
        "result": 3,
        "traceback": None,
        "children": [],
        "date_done": "1970-01-01T00:00:00+00:00",
        "task_id": "id-1",
        "parent_id": "p",
        "name": "add",
        "queue": "work",
        "retries": 1,
        "worker": "lambda",
        "args": [1],
        "kwargs": {"b": 2},
    }


@pytest.mark.parametrize("status", [states.PENDING, states.RETRY])
def test_an_unfinished_task_has_no_date_done(status: str) -> None:
    assert json.loads(result_meta(MESSAGE, status, at_ms=5))["date_done"] is None


@pytest.mark.parametrize("argument", ["x" * 500, float("nan"), float("inf"), deep(50_000)])
def test_arguments_that_are_long_or_no_json_stay_out_of_the_record(argument: Any) -> None:
    meta = result_meta(Message("t", "i", [argument]), states.PENDING, at_ms=0)
    assert json.loads(meta)["args"] is None
    assert len(meta) < 1_024


@pytest.mark.parametrize(
    ("error", "args"),
    [
        (ValueError("no", 1, None, {"a": [2]}), ["no", 1, None, {"a": [2]}]),
        (ValueError(), []),
        (ValueError(float("nan")), ["nan"]),
        (ValueError({1}), ["{1}"]),
        (ValueError(Unprintable()), ["<Unprintable>"]),
        (ValueError(KeyError("k")), ["'k'"]),
    ],
)
def test_errors_become_json(error: Exception, args: list[Any]) -> None:
    assert ErrorInfo.of(error) == ErrorInfo("ValueError", args, "builtins")


def test_an_error_s_type_is_named_with_its_class_and_module() -> None:
    class Inner(Exception):
        pass

    info = ErrorInfo.of(Inner("x"))
    assert info.module == __name__
    assert info.type.endswith("<locals>.Inner")


@pytest.mark.parametrize("error", [ValueError("x" * 1_000_000), ValueError(*["y" * 999] * 99)])
def test_a_long_error_is_cut_so_that_its_record_can_be_written(error: Exception) -> None:
    info = ErrorInfo.of(error)
    assert len(info.message) == MAX_ERROR_LENGTH


@pytest.mark.parametrize(
    ("args", "read"),
    [
        (["x" * 500_000], ["x" * MAX_ERROR_LENGTH]),
        (["half \ud800"], ["half ?"]),
        ([float("nan"), {"a": float("inf")}], ["nan", "{'a': inf}"]),
    ],
)
def test_an_error_that_another_has_written_is_read_as_a_record_holds_it(
    args: list[Any], read: list[Any]
) -> None:
    text = json.dumps({"exc_type": "E" * 999, "exc_message": args, "exc_module": "\udfff"})
    assert ErrorInfo.parse(text) == ErrorInfo("E" * MAX_NAME_LENGTH, read, "?")


def test_half_a_surrogate_pair_in_an_error_is_replaced() -> None:
    assert ErrorInfo.of(ValueError("\ud800", 1)).title == "ValueError: ?, 1"


@given(st.lists(st.none() | st.integers() | st.text() | st.booleans(), max_size=4))
def test_an_error_is_read_as_it_was_written(args: list[Any]) -> None:
    info = ErrorInfo.of(ValueError(*args))
    assert outcome_of(result_meta(MESSAGE, states.FAILURE, error=info, at_ms=0)) == (None, info)


def test_an_error_of_another_writer_s_may_lack_its_module_and_its_list() -> None:
    meta = json.dumps({"result": {"exc_type": "KeyError", "exc_message": "k"}}).encode()
    assert outcome_of(meta) == (None, ErrorInfo("KeyError", ["k"], "builtins"))


@pytest.mark.parametrize("result", [None, 0, "text", [1], {"a": 1}])
def test_a_result_is_read_as_it_was_written(result: Any) -> None:
    meta = result_meta(MESSAGE, states.SUCCESS, result=result, at_ms=0)
    assert outcome_of(meta) == (result, None)


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        (states.PENDING, False),
        (states.STARTED, False),
        (states.PROGRESS, False),
        (states.RETRY, False),
        (states.SUCCESS, True),
        (states.FAILURE, True),
        (states.REVOKED, True),
    ],
)
def test_which_states_are_final(status: str, finished: bool) -> None:
    assert TaskRecord("i", "t", "q", status=status).finished is finished
