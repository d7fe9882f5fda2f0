"""Dead letters: kept, listed, redriven and discarded."""

import base64
import json
import os
from dataclasses import replace
from typing import Any

import pytest

from taskqueue import clock
from taskqueue.dead_letters.letter import MAX_LETTER_TEXT_LENGTH
from taskqueue.groups.finishing import finish_part
from taskqueue.groups.part import Done, Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.lambdas import wiring
from taskqueue.message import MAX_BYTES, Message, decode, encode
from taskqueue.records.lease import Claim
from tests.support.api_stack import Send, Stack
from tests.support.gateway import CONTEXT

QUEUE = "notifications"
ARN = "arn:aws:sqs:eu-west-1:123456789012"


def record(
    body: str, message_id: str = "m-1", sent_at_ms: int = 1_000, **said: Any
) -> dict[str, Any]:
    """Return a record as Lambda gets it: moved by SQS, unless it says something."""
    source = {} if said else {"DeadLetterQueueSourceArn": f"{ARN}:{QUEUE}"}
    return {
        "messageId": message_id,
        "receiptHandle": "handle",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "6",
            "SentTimestamp": str(sent_at_ms),
            "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "2000",
            **source,
        },
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in said.items()
        },
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"{ARN}:dead-letters",
        "awsRegion": "eu-west-1",
    }


def bury(*records: dict[str, Any]) -> list[dict[str, str]]:
    from functions.dead_letters.app import handler

    return list(handler({"Records": list(records)}, CONTEXT)["batchItemFailures"])


def task(task_id: str, **parts: Any) -> Message:
    message = Message("notify_friends", task_id, args=("80", "n"), queue=QUEUE, **parts)
    wiring.task_store().enqueue(message, clock.now_ms())
    return message


def test_a_letter_says_why_and_its_task_has_failed(stack: Stack, read: Send) -> None:
    body = encode(task("t-1"))
    reason = "failed after 3 retries"
    sent = record(body, reason=reason, queue=QUEUE, task_id="t-1", task="notify_friends")
    assert bury(sent) == []
    [letter] = read("GET", "/dead-letters").body["dead_letters"]
    assert letter["id"] == f"{QUEUE}.0000000001000.m-1"
    assert (letter["queue"], letter["task_id"], letter["task"]) == (QUEUE, "t-1", "notify_friends")
    assert letter["reason"] == reason
    found = read("GET", "/tasks/t-1").body
    assert found["status"] == "FAILURE"
    assert found["error"]["message"] == reason


def test_a_letter_does_not_fail_a_task_that_runs_once_more(stack: Stack, read: Send) -> None:
    """Whoever sent the letter died before the end was recorded, so that its message came back."""
    message, store = task("t-1"), wiring.task_store()
    for now_ms in (1, 2):
        store.claim([Claim(message, now_ms + 1, "m-0", f"n-{now_ms}")], now_ms)
    sent: Any = {"reason": "failed after 3 retries", "queue": QUEUE, "task_id": "t-1"}
    bury(record(encode(message), "m-1", attempt="1", **sent))
    assert read("GET", "/tasks/t-1").body["status"] == "STARTED"
    bury(record(encode(message), "m-2", attempt="2", **sent))
    assert read("GET", "/tasks/t-1").body["status"] == "FAILURE"


@pytest.mark.parametrize("reason", ["r" * 500_000, "half \ud800"])
def test_any_reason_is_kept_as_a_letter_holds_it(stack: Stack, read: Send, reason: str) -> None:
    assert bury(record(encode(task("t-1")), reason=reason, queue=QUEUE)) == []
    [letter] = read("GET", "/dead-letters").body["dead_letters"]
    assert letter["reason"] in ("r" * MAX_LETTER_TEXT_LENGTH, "half ?")
    assert read("GET", "/tasks/t-1").body["error"]["message"] == letter["reason"]


def test_a_letter_s_large_error_does_not_keep_its_task_from_failing(
    stack: Stack, read: Send
) -> None:
    error = json.dumps({"exc_type": "E", "exc_message": ["x" * 500_000]})
    assert bury(record(encode(task("t-1")), error=error, queue=QUEUE)) == []
    found = read("GET", "/tasks/t-1").body
    assert (found["status"], found["error"]["type"]) == ("FAILURE", "E")


def test_half_a_surrogate_pair_in_a_part_s_error_does_not_keep_the_whole_from_its_end(
    stack: Stack, read: Send
) -> None:
    task("whole")
    stack.set_status("whole", "STARTED")
    assert wiring.task_store().plan_parts("whole", 0, PartsPlan(1, 1, is_whole=True))
    part = Message("deliver_news", "whole.0", queue=QUEUE, part=Part("whole", 0, 1))
    error = json.dumps({"exc_type": "E", "exc_message": ["\ud800"]})
    assert bury(record(encode(part), error=error, queue=QUEUE)) == []
    said = read("GET", "/tasks/whole").body
    assert said["status"] == "FAILURE"
    assert said["error"]["message"] == "1 of its parts failed; the first: E: ?"


def test_a_letter_that_sqs_moved_was_received_too_often(stack: Stack, read: Send) -> None:
    bury(record(encode(task("t-1"))))
    [letter] = read("GET", "/dead-letters").body["dead_letters"]
    assert letter["reason"] == "received 5 times without finishing"
    assert read("GET", "/tasks/t-1").body["status"] == "FAILURE"


def test_a_short_page_is_not_the_end(stack: Stack, read: Send) -> None:
    for queue, count in (("notifications", 5), ("views", 1)):
        for number in range(count):
            body = base64.b64encode(os.urandom(300_000)).decode()
            bury(record(body, f"m-{number}", queue=queue, reason="large"))
    listed: list[str] = []
    query = {"limit": "100"}
    while query.get("cursor") or not listed:
        page = read("GET", "/dead-letters", query=query).body
        assert len(page["dead_letters"]) < 5
        listed += [letter["id"] for letter in page["dead_letters"]]
        query["cursor"] = page["next_cursor"]
    assert listed == [
        *(f"notifications.0000000001000.m-{number}" for number in reversed(range(5))),
        "views.0000000001000.m-0",
    ]


@pytest.mark.parametrize("body", ["not json", "{}", "gASVBQAAAAAAAABLAS4=", "💥"])
def test_poison_is_kept_with_what_is_wrong(stack: Stack, read: Send, body: str) -> None:
    assert bury(record(body)) == []
    [letter] = read("GET", "/dead-letters").body["dead_letters"]
    assert letter["task_id"] is None
    assert letter["reason"]
    assert "received" not in letter["reason"]


def test_a_redelivery_changes_nothing(stack: Stack, read: Send) -> None:
    body = encode(task("t-1"))
    for _ in range(3):
        bury(record(body))
    assert len(read("GET", "/dead-letters").body["dead_letters"]) == 1


def test_a_task_that_succeeded_stays_so(stack: Stack, read: Send) -> None:
    message = task("t-1")
    wiring.task_store().complete(message, 5, clock.now_ms(), "0:5:0")
    bury(record(encode(message)))
    assert read("GET", "/tasks/t-1").body["status"] == "SUCCESS"


def test_with_a_part_the_whole_fails_when_the_others_are_done(stack: Stack, read: Send) -> None:
    store = wiring.task_store()
    task("whole")
    stack.set_status("whole", "STARTED")
    assert store.plan_parts("whole", 0, PartsPlan(3, 3_000, is_whole=True))
    finish_part(store, Part("whole", 0, 3), Done(1_000), clock.now_ms())
    part = Message("deliver_news", "whole.1", queue=QUEUE, part=Part("whole", 1, 3))
    bury(record(encode(part)))
    said = read("GET", "/tasks/whole").body
    assert (said["status"], said["progress"]) == ("PROGRESS", {"done": 1_000, "planned": 3_000})
    bury(record(encode(replace(part, id="whole.2", part=Part("whole", 2, 3)))))
    said = read("GET", "/tasks/whole").body
    assert said["status"] == "FAILURE"
    assert said["progress"] == {"done": 1_000, "planned": 3_000}
    assert said["error"]["message"].startswith("2 of its parts failed; the first: ")
    assert read("GET", "/tasks/whole.1").status == 404


def test_a_parent_without_parts_goes_its_own_way(stack: Stack, read: Send) -> None:
    task("parent")
    bury(record(encode(task("child", parent_id="parent"))))
    assert read("GET", "/tasks/child").body["status"] == "FAILURE"
    assert read("GET", "/tasks/parent").body["status"] == "PENDING"


def test_one_letter_that_cannot_be_kept_is_logged_and_comes_back_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:

    put = wiring.dead_letter_store().put

    def fail_first(letter: Any) -> None:
        if letter.id.endswith("m-1"):
            raise RuntimeError("what it says")
        put(letter)

    monkeypatch.setattr(wiring.dead_letter_store(), "put", fail_first)
    failures = bury(record(encode(task("t-1")), "m-1"), record("poison", "m-2"))
    assert failures == [{"itemIdentifier": "m-1"}]
    (line,) = (one for one in caplog.records if one.levelname == "ERROR")
    assert line.message == "dead letter not kept"
    said: dict[str, Any] = vars(line)
    assert (said["task_id"], said["error"]) == ("t-1", "RuntimeError")
    assert "what it says" not in str(said)
    assert len(stack.items("dead_letters_table")) == 1


def test_letters_come_in_pages_newest_first(stack: Stack, read: Send) -> None:
    bury(*(record("poison", f"m-{number}", number) for number in range(5)))
    seen: list[str] = []
    query = {"limit": "2", "queue": QUEUE}
    while True:
        page = read("GET", "/dead-letters", query=query).body
        seen += [letter["id"][-3:] for letter in page["dead_letters"]]
        if page["next_cursor"] is None:
            break
        query = {**query, "cursor": page["next_cursor"]}
    assert seen == ["m-4", "m-3", "m-2", "m-1", "m-0"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_an_unknown_queue_is_named(read: Send, write: Send, method: str) -> None:
    path = "/dead-letters/redrive" if method == "POST" else "/dead-letters"
    reply = (read if method == "GET" else write)(method, path, query={"queue": "other"})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "queue")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/dead-letters/redrive"), ("DELETE", "/dead-letters")]
)
def test_a_change_by_queue_needs_the_queue(write: Send, method: str, path: str) -> None:
    reply = write(method, path)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "queue")


def test_a_redriven_task_waits_again(stack: Stack, write: Send, read: Send) -> None:
    body = encode(task("t-1"))
    bury(record(body))
    reply = write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive")
    assert (reply.status, reply.body["task_id"]) == (202, "t-1")
    assert reply.headers["location"] == "../../tasks/t-1"
    (again,) = stack.messages()
    assert replace(again, turn=0) == decode(body)
    assert again.turn == 1
    assert read("GET", "/tasks/t-1").body["status"] == "PENDING"
    assert read("GET", "/dead-letters").body["dead_letters"] == []


def test_a_redriven_task_runs_though_its_time_is_over(stack: Stack, write: Send) -> None:
    old = replace(task("t-1"), eta_ms=1, expires_at_ms=2)
    bury(record(encode(old)))
    write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive")
    (again,) = stack.messages()
    assert (again.eta_ms, again.expires_at_ms) == (None, None)


@pytest.mark.parametrize("status", ["STARTED", "SUCCESS", "REVOKED"])
def test_a_redrive_of_a_task_that_has_gone_on_says_so(
    stack: Stack, write: Send, read: Send, status: str
) -> None:
    bury(record(encode(task("t-1"))))
    stack.set_status("t-1", status)
    reply = write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive")
    assert (reply.status, stack.bodies()) == (409, [])
    assert reply.body["detail"] == f"the task is {status}; only a FAILURE can be redriven"
    assert len(read("GET", "/dead-letters").body["dead_letters"]) == 1


def test_a_letter_that_cannot_be_redriven_keeps_no_other_from_its_queue(
    stack: Stack, write: Send, read: Send
) -> None:
    for name in ("t-1", "t-2"):
        bury(record(encode(task(name)), message_id=f"m-{name}"))
    stack.set_status("t-2", "SUCCESS")
    reply = write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert (reply.status, reply.body["redriven"]) == (202, 1)
    assert [message.id for message in stack.messages()] == ["t-1"]
    assert len(read("GET", "/dead-letters").body["dead_letters"]) == 1


def test_a_part_whose_workers_died_is_redriven(stack: Stack, write: Send) -> None:
    parent, part = task("whole"), replace(task("whole.0"), part=Part("whole", 0, 1))
    store = wiring.task_store()
    store.enqueue(parent, 1)
    store.claim([Claim(parent, 2, "m-0", "n-0")], 1)
    store.plan_parts("whole", 1, PartsPlan(1, 1, is_whole=True))
    store.claim([Claim(part, 2, "m-1", "n-0")], 1)
    bury(record(encode(part)))
    reply = write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive")
    assert reply.status == 202
    assert [(message.id, message.turn) for message in stack.messages()] == [("whole.0", 1)]


def test_a_redrive_that_was_cut_short_is_made_again(stack: Stack, write: Send) -> None:
    bury(record(encode(task("t-1"))))
    wiring.task_store().reset(replace(task("t-1"), turn=1), 1)
    reply = write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive")
    assert reply.status == 202
    assert [message.turn for message in stack.messages()] == [1]


def test_when_the_queue_is_down_the_letter_stays(stack: Stack, write: Send, read: Send) -> None:
    bury(record(encode(task("t-1"))))
    stack.take_queue_away()
    assert write("POST", f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive").status == 500
    # It waits for the next redrive, which sends its message.
    assert read("GET", "/tasks/t-1").body["status"] == "PENDING"
    assert len(read("GET", "/dead-letters").body["dead_letters"]) == 1


def test_a_letter_that_does_not_fit_its_queue_any_more_changes_nothing(
    stack: Stack, write: Send, read: Send
) -> None:
    room = MAX_BYTES - len(encode(replace(task("t-1"), args=[""])))
    full = replace(task("t-1"), args=["x" * (room // 4 * 3 - 8)])
    bury(record(encode(full)))
    path = f"/dead-letters/{QUEUE}.0000000001000.m-1/redrive"
    assert write("POST", path).status == 413
    assert read("GET", "/tasks/t-1").body["status"] == "FAILURE"
    reply = write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert (reply.status, reply.body["redriven"]) == (202, 0)


def test_a_discarded_letter_is_gone_and_its_task_failed(
    stack: Stack, write: Send, read: Send
) -> None:
    bury(record(encode(task("t-1"))))
    path = f"/dead-letters/{QUEUE}.0000000001000.m-1"
    assert write("DELETE", path).status == 204
    assert write("DELETE", path).status == 404
    assert read("GET", "/tasks/t-1").body["status"] == "FAILURE"


def test_a_queue_is_redriven_at_once(stack: Stack, write: Send, read: Send) -> None:
    bury(*(record(encode(task(f"t-{n}")), f"m-{n}", n) for n in range(7)))
    reply = write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert (reply.status, reply.body) == (202, {"queue": QUEUE, "redriven": 7, "more": False})
    assert stack.items("dead_letters_table") == []
    assert read("GET", "/tasks/t-3").body["status"] == "PENDING"


def test_what_comes_back_meanwhile_is_not_redriven_again(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.producer import dead_letters

    monkeypatch.setattr(dead_letters, "PAGE", 1)
    bury(*(record("poison", f"m-{n}", n) for n in range(2)))
    delete = wiring.dead_letter_store().delete

    def delete_and_come_back(letter_id: str) -> None:
        delete(letter_id)
        bury(record("poison", "back", 9_000 + len(stack.bodies())))

    monkeypatch.setattr(wiring.dead_letter_store(), "delete", delete_and_come_back)
    reply = write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert reply.body == {"queue": QUEUE, "redriven": 2, "more": False}


def test_when_the_time_runs_out_the_answer_says_that_there_is_more(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    from functions.producer import dead_letters

    monkeypatch.setattr(dead_letters, "RESERVED_FOR_ANSWER_MS", 60_000)
    bury(record("poison"))
    reply = write("POST", "/dead-letters/redrive", query={"queue": QUEUE})
    assert reply.body == {"queue": QUEUE, "redriven": 0, "more": True}


def test_a_queue_is_discarded_at_once(stack: Stack, write: Send) -> None:
    bury(*(record("poison", f"m-{n}", n) for n in range(3)))
    reply = write("DELETE", "/dead-letters", query={"queue": QUEUE})
    assert (reply.status, reply.body) == (200, {"queue": QUEUE, "discarded": 3, "more": False})
    assert stack.items("dead_letters_table") == []


def test_a_letter_from_nowhere_is_listed_and_discarded_but_not_redriven(
    stack: Stack, read: Send, write: Send
) -> None:
    bury(record(encode(task("t-1")), queue="gone"))
    [letter] = read("GET", "/dead-letters").body["dead_letters"]
    assert letter["queue"] == "unknown"
    assert write("POST", f"/dead-letters/{letter['id']}/redrive").status == 400
    assert write("DELETE", "/dead-letters", query={"queue": "unknown"}).body["discarded"] == 1


def test_an_unknown_letter_is_not_found(write: Send) -> None:
    assert write("POST", "/dead-letters/none/redrive").status == 404
    assert write("DELETE", "/dead-letters/none").status == 404
