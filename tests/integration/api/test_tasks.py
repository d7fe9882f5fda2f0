"""Starting, revoking and reading tasks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from taskqueue import clock
from taskqueue.lambdas import clients, wiring
from taskqueue.message import Message, decode
from taskqueue.records import states
from taskqueue.records.lease import Claim
from taskqueue.records.store import Finish
from taskqueue.sending.sender import SendAgain
from tests.support.api_stack import Send, Stack

CALL = {"args": ["80", "news-1"]}
PATH = "/tasks/notify_friends"


def later(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def test_a_task_is_recorded_sent_and_can_be_asked_for(
    stack: Stack, write: Send, read: Send
) -> None:
    reply = write("POST", PATH, CALL)
    task_id = reply.body["task_id"]
    assert (reply.status, reply.body) == (202, {"task_id": task_id, "status": "PENDING"})
    assert reply.headers["location"] == f"../tasks/{task_id}"
    [message] = stack.messages()
    assert (message.id, message.task, list(message.args)) == (
        task_id,
        "notify_friends",
        CALL["args"],
    )
    found = read("GET", f"/tasks/{task_id}")
    assert found.status == 200
    assert found.body["enqueued_at"].endswith("+00:00")
    assert {k: found.body[k] for k in ("task", "queue", "status", "result", "error")} == {
        "task": "notify_friends",
        "queue": "notifications",
        "status": "PENDING",
        "result": None,
        "error": None,
    }
    assert (found.body["attempts"], found.body["retries"], found.body["progress"]) == (0, 0, None)


def test_kwargs_and_an_empty_body_are_taken(stack: Stack, write: Send) -> None:
    assert write("POST", PATH, {"kwargs": {"user_id": "80", "news_id": "n"}}).status == 202
    reply = write("POST", PATH)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "args")


def test_an_unknown_name_lists_those_there_are(write: Send) -> None:
    reply = write("POST", "/tasks/no_such_task", {})
    assert reply.status == 404
    assert "notify_friends" in reply.body["tasks"]


def test_a_task_without_a_record_is_only_sent(stack: Stack, write: Send) -> None:
    reply = write("POST", "/tasks/count_views", {"args": [[["42", clock.now_ms()]]]})
    assert (reply.status, set(reply.body)) == (202, {"task_id"})
    assert "location" not in reply.headers
    assert [decode(body).id for body in stack.bodies("views")] == [reply.body["task_id"]]
    assert stack.items("tasks_table") == []


@pytest.mark.parametrize("name", ["deliver_news"])
def test_an_internal_task_is_none_for_a_caller(
    stack: Stack, write: Send, read: Send, name: str
) -> None:
    reply = write("POST", f"/tasks/{name}", {"args": [{}, {}, []]})
    assert (reply.status, reply.body["detail"]) == (404, "There is no task of that name.")
    schedule = {"task": name, "interval_seconds": 60, "args": [{}, {}, []]}
    assert write("PUT", "/schedules/s", schedule).body["errors"][0]["field"] == "task"
    assert name not in read("GET", "/tasks").body["tasks"]
    assert (stack.bodies(), stack.items("schedules_table")) == ([], [])


@pytest.mark.parametrize(
    ("views", "reason"),
    [
        ([], "must hold 1 to 1000 pairs"),
        ([["42", "now"]] * 1_001, "must hold 1 to 1000 pairs"),
        ("42", "must hold 1 to 1000 pairs"),
        ([["a b", 1]], "views.0.book: is not the id of a book"),
        ([["42", -1]], "views.0.at"),
        ([["42", 3_600_000]], "views.0.at: is older than the window of 60 minutes"),
    ],
)
def test_views_that_are_sent_as_a_task_have_the_limits_of_views(
    stack: Stack, write: Send, views: Any, reason: str
) -> None:
    reply = write("POST", "/tasks/count_views", {"args": [views]})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "args")
    assert reason in reply.body["errors"][0]["reason"]
    assert stack.bodies("views") == []


@pytest.mark.parametrize(
    ("damage", "known"),
    [
        ({"result": {"B": b"no JSON"}}, {"task": "notify_friends", "status": "PENDING"}),
        ({"result": {"S": "text"}}, {"queue": "notifications"}),
        ({"attempt": {"S": "many"}}, {"task": "notify_friends"}),
        ({"task": {"N": "7"}}, {"task": "", "status": "PENDING"}),
        ({"status": {"M": {}}}, {"task": "notify_friends", "status": "PENDING"}),
        ({"progress": {"S": "{"}}, {"progress": None}),
        ({"enqueued_at_ms": {"N": "1e30"}}, {"task": "notify_friends"}),
        ({"enqueued_at_ms": {"N": "9" * 30}}, {"enqueued_at": None}),
        (
            {"parts_plan": {"S": "[1,5,true,null]"}, "parts_done": {"SS": ["x", "a:b:c:d"]}},
            {"progress": {"done": 0, "planned": 5}},
        ),
        ({"parts_done": {"L": []}}, {"task": "notify_friends"}),
        ({"parts_plan": {"S": "[1e9,1,true,null]"}}, {"status": "PENDING"}),
        ({"parts_plan": {"S": "[" + "9" * 5_000 + ",1,true,null]"}}, {"status": "PENDING"}),
    ],
)
def test_of_a_damaged_record_is_said_what_is_known(
    stack: Stack, write: Send, read: Send, damage: Any, known: dict[str, Any]
) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    [item] = stack.items("tasks_table")
    stack.dynamodb.put_item(TableName="tasks_table", Item={**item, **damage})
    reply = read("GET", f"/tasks/{task_id}")
    assert (reply.status, reply.body["task_id"]) == (200, task_id)
    assert known.items() <= reply.body.items()


def test_a_result_that_is_no_longer_kept_is_said_to_have_expired(
    stack: Stack, write: Send, read: Send
) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    [item] = stack.items("tasks_table")
    for finished_ms, is_expired in ((clock.now_ms(), False), (1, True)):
        ended = {"status": {"S": "SUCCESS"}, "finished_at_ms": {"N": str(finished_ms)}}
        meta = b'{"status":"SUCCESS","result":7}'
        stack.dynamodb.put_item(
            TableName="tasks_table", Item={**item, **ended, "result": {"B": meta}}
        )
        found = read("GET", f"/tasks/{task_id}").body
        assert (found["status"], found["result_expired"]) == ("SUCCESS", is_expired)
        assert found["result"] == (None if is_expired else 7)


def test_one_id_sent_twice_is_one_task(stack: Stack, write: Send) -> None:
    replies = [write("POST", PATH, {**CALL, "task_id": "mine"}) for _ in range(2)]
    assert [reply.status for reply in replies] == [202, 202]
    assert {reply.body["task_id"] for reply in replies} == {"mine"}
    assert len(stack.items("tasks_table")) == 1


def test_an_id_sent_again_says_how_its_task_stands(stack: Stack, write: Send) -> None:
    write("POST", PATH, {**CALL, "task_id": "mine"})
    stack.set_status("mine", "SUCCESS")
    before = len(stack.bodies())
    reply = write("POST", PATH, {**CALL, "task_id": "mine"})
    assert (reply.status, reply.body["status"]) == (202, "SUCCESS")
    assert len(stack.bodies()) == before


def test_an_id_of_another_task_is_a_conflict(stack: Stack, write: Send) -> None:
    wiring.task_store().enqueue(Message("another", "mine"), clock.now_ms())
    reply = write("POST", PATH, {**CALL, "task_id": "mine"})
    assert reply.status == 409
    assert stack.bodies() == []


def test_a_countdown_delays_the_message(stack: Stack, write: Send, read: Send) -> None:
    reply = write("POST", PATH, {**CALL, "countdown": 60})
    assert stack.bodies() == []
    assert read("GET", f"/tasks/{reply.body['task_id']}").body["due_at"] is not None


def test_an_eta_beyond_fifteen_minutes_is_a_schedule(stack: Stack, write: Send) -> None:
    assert write("POST", PATH, {**CALL, "eta": later(hours=2)}).status == 202
    assert stack.bodies() == []
    assert len(clients.client("scheduler").list_schedules()["Schedules"]) == 1


@pytest.mark.parametrize("expires", [30, 0.5, "a time"])
def test_expiry_travels_with_the_message(stack: Stack, write: Send, expires: Any) -> None:
    at = later(minutes=1) if expires == "a time" else expires
    assert write("POST", PATH, {**CALL, "expires": at}).status == 202
    [message] = stack.messages()
    assert message.expires_at_ms is not None
    assert abs(message.expires_at_ms - clock.now_ms()) < 70_000


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"args": "80"}, "args"),
        ({"kwargs": []}, "kwargs"),
        ({"args": ["80"]}, "args"),
        ({"args": ["80", "n", "more"]}, "args"),
        ({"kwargs": {"colour": "red"}}, "args"),
        ({"countdown": -1}, "countdown"),
        ({"countdown": "1"}, "countdown"),
        ({"countdown": 1e300}, "countdown"),
        ({"eta": "2020-01-01T00:00:00Z"}, "eta"),
        ({"eta": "2099-01-01T00:00:00Z"}, "eta"),
        ({"eta": "2099-01-01T00:00:00"}, "eta"),
        ({"eta": "soon"}, "eta"),
        ({"eta": 5}, "eta"),
        ({"eta": "0001-01-01T00:00:00+23:59"}, "eta"),
        ({"eta": "9999-12-31T23:59:59-23:59"}, "eta"),
        ({"eta": "2027-01-01T00:00:00Z", "countdown": 1}, "eta"),
        ({"expires": "2020-01-01T00:00:00Z"}, "expires"),
        ({"expires": -1}, "expires"),
        ({"expires": True}, "expires"),
        ({"task_id": ""}, "task_id"),
        ({"task_id": "a b"}, "task_id"),
        ({"task_id": "x" * 10_000}, "task_id"),
        ({"task_id": 7}, "task_id"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_done(
    stack: Stack, write: Send, extra: dict[str, Any], field: str
) -> None:
    reply = write("POST", PATH, {**CALL, **extra})
    assert reply.status == 400
    assert field in {error["field"].partition(".")[0] for error in reply.body["errors"]}
    assert stack.items("tasks_table") == []
    assert stack.bodies() == []


def test_a_message_over_the_queues_limit_is_413(stack: Stack, write: Send) -> None:
    reply = write("POST", PATH, {"args": ["80", "x" * 1_000_000]})
    assert reply.status == 413
    assert stack.items("tasks_table") == []


def test_when_the_queue_is_down_nothing_is_left(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    monkeypatch.setattr(stack.sqs, "send_message", fail)
    reply = write("POST", PATH, CALL)
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert stack.items("tasks_table") == []


def test_when_the_queue_is_gone_nobody_is_told_to_try_again(stack: Stack, write: Send) -> None:
    stack.take_queue_away()
    reply = write("POST", PATH, CALL)
    assert (reply.status, "retry-after" in reply.headers) == (500, False)
    assert stack.items("tasks_table") == []


def test_a_task_that_waits_is_revoked(stack: Stack, write: Send, read: Send) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    for _ in range(2):
        reply = write("DELETE", f"/tasks/{task_id}")
        assert (reply.status, reply.body) == (200, {"task_id": task_id, "status": "REVOKED"})
    assert read("GET", f"/tasks/{task_id}").body["status"] == "REVOKED"


def test_a_task_that_its_parts_are_to_finish_is_revoked(stack: Stack, write: Send) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    stack.set_status(task_id, "PROGRESS")
    assert write("DELETE", f"/tasks/{task_id}").body["status"] == "REVOKED"


def test_the_schedule_of_a_far_off_task_goes_with_it(stack: Stack, write: Send) -> None:
    task_id = write("POST", PATH, {**CALL, "eta": later(hours=2)}).body["task_id"]
    assert write("DELETE", f"/tasks/{task_id}").status == 200
    assert clients.client("scheduler").list_schedules()["Schedules"] == []


def test_the_schedule_of_a_far_retry_goes_with_its_task(stack: Stack, write: Send) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    [message] = stack.messages()
    due_ms = clock.now_ms() + 7_200_000
    store, body = wiring.task_store(), stack.bodies()[0]
    store.claim([Claim(message, due_ms, "m", "n")], clock.now_ms())
    again = replace(message, turn=1, after=1, eta_ms=due_ms)
    wiring.sender().send_again([SendAgain(again, body)], clock.now_ms())
    ended = (task_id, 1, 0, states.RETRY, b"{}")
    store.finish([Finish(*ended, retries=1, at_ms=clock.now_ms(), next_due_ms=due_ms)])
    assert len(clients.client("scheduler").list_schedules()["Schedules"]) == 1
    assert write("DELETE", f"/tasks/{task_id}").status == 200
    assert clients.client("scheduler").list_schedules()["Schedules"] == []


@pytest.mark.parametrize("status", ["STARTED", "SUCCESS", "FAILURE"])
def test_a_task_that_has_started_is_not_revoked(stack: Stack, write: Send, status: str) -> None:
    task_id = write("POST", PATH, CALL).body["task_id"]
    stack.set_status(task_id, status)
    assert write("DELETE", f"/tasks/{task_id}").status == 409


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_task_is_not_found(write: Send, read: Send, method: str) -> None:
    reply = (read if method == "GET" else write)(method, "/tasks/never-issued")
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")


def test_the_names_of_the_tasks_are_listed(read: Send) -> None:
    assert "notify_friends" in read("GET", "/tasks").body["tasks"]
