"""`Idempotency-Key`: one request, however often it is sent."""

import pytest

from functions.producer import idempotency
from taskqueue import clock
from taskqueue.lambdas import wiring
from tests.support.api_stack import Send, Stack

KEY = {"Idempotency-Key": "k-1"}
NEWS = "/users/80/news"
POST = {"text": "Hello"}


def test_a_repeated_request_gets_the_same_answer(stack: Stack, write: Send) -> None:
    first, again = (write("POST", NEWS, POST, headers=KEY) for _ in range(2))
    assert (again.status, again.body) == (202, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert len(stack.bodies()) == 1


def test_the_header_is_read_in_any_case_and_the_body_in_any_form(stack: Stack, write: Send) -> None:
    write("POST", NEWS, '{"text": "a", "photos": []}', headers={"idempotency-key": "k"})
    reply = write("POST", NEWS, '{"photos":[],"text":"a"}', headers={"IDEMPOTENCY-KEY": "k"})
    assert reply.status == 202
    assert len(stack.bodies()) == 1


def test_without_the_header_nothing_is_remembered(stack: Stack, write: Send) -> None:
    for _ in range(2):
        write("POST", NEWS, POST)
    assert len(stack.bodies()) == 2
    assert stack.items("idempotency_table") == []


def test_a_key_is_of_one_payload(stack: Stack, write: Send) -> None:
    write("POST", NEWS, POST, headers=KEY)
    reply = write("POST", NEWS, {"text": "other"}, headers=KEY)
    assert (reply.status, reply.headers["content-type"]) == (422, "application/problem+json")
    assert len(stack.bodies()) == 1


def test_a_key_is_of_one_path(stack: Stack, write: Send) -> None:
    write("POST", NEWS, POST, headers=KEY)
    assert write("POST", "/users/81/news", POST, headers=KEY).status == 202
    assert len(stack.bodies()) == 2


def test_while_the_first_is_answered_the_second_is_a_conflict(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    send = wiring.sender().send

    def send_twice(*args: object) -> object:
        if not seen:
            seen.append(0)
            seen[0] = write("POST", NEWS, POST, headers=KEY).status
        return send(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(wiring.sender(), "send", send_twice)
    assert write("POST", NEWS, POST, headers=KEY).status == 202
    assert seen == [409]


def test_what_has_expired_is_forgotten_though_it_is_still_there(stack: Stack, write: Send) -> None:
    first = write("POST", NEWS, POST, headers=KEY).body
    [item] = stack.items("idempotency_table")
    past = {"expiration": {"N": str(clock.now_ms() // 1000 - 1)}}
    stack.dynamodb.put_item(TableName="idempotency_table", Item={**item, **past})
    assert write("POST", NEWS, POST, headers=KEY).body["news_id"] != first["news_id"]


def test_a_failure_is_not_remembered(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write("POST", "/tasks/unknown", {}, headers=KEY).status == 404
    assert write("POST", NEWS, {"text": ""}, headers=KEY).status == 400
    assert stack.items("idempotency_table") == []
    assert write("POST", NEWS, POST, headers=KEY).status == 202


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é", "a\tb"])
def test_an_odd_key_is_refused(stack: Stack, write: Send, key: str) -> None:
    reply = write("POST", NEWS, POST, headers={"Idempotency-Key": key})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert stack.bodies() == []


def test_when_keys_cannot_be_looked_up_nothing_is_done(stack: Stack, write: Send) -> None:
    stack.dynamodb.delete_table(TableName="idempotency_table")
    assert write("POST", NEWS, POST, headers=KEY).status == 500
    assert stack.bodies() == []
    assert stack.items("news_table") == []


def test_an_answer_that_cannot_be_remembered_is_still_given(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency._store(), "save_success", lambda **_: 1 / 0)
    assert write("POST", NEWS, POST, headers=KEY).status == 202
    assert len(stack.bodies()) == 1
