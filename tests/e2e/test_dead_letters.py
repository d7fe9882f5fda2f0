"""What can't be run becomes a dead letter with its reason, to be redriven or discarded."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from taskqueue.message import Message, encode
from tests.e2e.celery_client import CeleryClient
from tests.e2e.people import People
from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished, until_task
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.waiting import until

Letter = dict[str, Any]


@pytest.fixture
def queue(stack: Stack) -> RawQueue:
    return RawQueue.of(stack)


def test_poison_is_told_apart_and_the_rest_of_its_batch_runs(
    rest: Rest, people: People, queue: RawQueue
) -> None:
    hub = people.hub(2)
    good = _message(hub.id, people.news(hub))
    misfit = _message(hub.id)
    unknown = Message("no_such_task", uuid.uuid4().hex)
    yaml = _message(hub.id, "news")
    before = _ids(rest)
    junk = ["{}", "Ünïcödé", '{"headers": 1}', base64.b64encode(b"\x80\x04.").decode()]
    as_yaml = encode(yaml).replace("application/json", "application/x-yaml")
    queue.send([*junk, encode(misfit), encode(unknown), as_yaml, encode(good)])

    assert finished(rest, good.id)["result"] == 2
    letters = _new_letters(rest, before, 7)
    assert _reason(letters, misfit.id).startswith("the arguments do not fit notify_friends")
    assert "'no_such_task'" in _reason(letters, unknown.id)
    assert "notify_friends" in _reason(letters, unknown.id)
    assert "only JSON is run" in _reason(letters, yaml.id)
    unreadable = [letter["reason"] for letter in letters if letter["task_id"] is None]
    assert len(unreadable) == 4
    assert all(unreadable)

    for letter in letters:
        assert letter["queue"] == "notifications"
        rest.delete(f"/dead-letters/{letter['id']}").expect(204)
        rest.delete(f"/dead-letters/{letter['id']}").expect(404)
    assert not _ids(rest) - before


def test_a_clients_pickle_is_refused_unread_and_its_task_fails(
    stack: Stack, rest: Rest, people: People
) -> None:
    hub = people.hub(1)
    call = f"apply_async(('{hub.id}', 'news'), serializer='pickle')"
    task_id = CeleryClient(stack).send(call)
    found = finished(rest, task_id)
    assert found["status"] == "FAILURE"
    assert "application/x-python-serialize" in found["error"]["message"]
    rest.delete(f"/dead-letters/{_letter_of(rest, task_id)['id']}").expect(204)


def test_the_http_side_refuses_what_would_be_poison(rest: Rest) -> None:
    misfit = rest.post("/tasks/notify_friends", {"args": ["only one"]})
    assert misfit.status == 400
    assert misfit.body["errors"][0]["field"] == "args"
    unknown = rest.post("/tasks/no_such_task", {})
    assert unknown.status == 404
    assert "notify_friends" in unknown.body["tasks"]


def test_redriven_poison_is_a_dead_letter_again(
    rest: Rest, people: People, queue: RawQueue
) -> None:
    misfit = _message(people.hub(1).id)
    queue.send([encode(misfit)])
    assert finished(rest, misfit.id)["status"] == "FAILURE"
    first = _letter_of(rest, misfit.id)

    redriven = rest.post(f"/dead-letters/{first['id']}/redrive")
    assert redriven.expect(202)["task_id"] == misfit.id
    assert redriven.headers["Location"] == f"../../tasks/{misfit.id}"
    again = until(
        lambda: next((new for new in _letters(rest, misfit.id) if new["id"] != first["id"]), None),
        "the dead letter comes back",
    )
    assert again["reason"] == first["reason"]
    assert finished(rest, misfit.id)["status"] == "FAILURE"
    rest.delete(f"/dead-letters/{again['id']}").expect(204)
    rest.post(f"/dead-letters/{again['id']}/redrive").expect(404)


def test_what_failed_for_a_while_succeeds_when_it_is_redriven(
    stack: Stack, rest: Rest, people: People, queue: RawQueue, readers: Readers
) -> None:
    hub = people.hub(3)
    policy = queue.redrive_policy(max_receive_count=2)
    with (
        queue.attributes(VisibilityTimeout="1", RedrivePolicy=policy),
        _denied(stack, "notificationsRole", ["dynamodb:BatchExecuteStatement"]),
    ):
        posted = rest.post(f"/users/{hub.id}/news", {"text": "At last."}).expect(202)
        failed = finished(rest, posted["task_id"])
    assert failed["status"] == "FAILURE"
    letter = _letter_of(rest, posted["task_id"])
    assert letter["reason"] == "received 2 times without finishing"
    assert readers.of_news(posted["news_id"]) == []

    rest.post(f"/dead-letters/{letter['id']}/redrive").expect(202)
    found = until_task(rest, posted["task_id"], lambda found: found["status"] == "SUCCESS")
    assert found["result"] == 3
    assert readers.of_news(posted["news_id"]) == list(hub.friends)
    assert _letters(rest, posted["task_id"]) == []


@contextmanager
def _denied(stack: Stack, role: str, actions: list[str]) -> Iterator[None]:
    """While a role (logical id) may not do something that it needs."""
    iam = stack.client("iam")
    key = {"RoleName": stack.resources("AWS::IAM::Role")[role], "PolicyName": "denied-for-a-while"}
    statement = {"Effect": "Deny", "Action": actions, "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(**key, PolicyDocument=json.dumps(document))
    try:
        yield
    finally:
        iam.delete_role_policy(**key)


def _message(*args: str) -> Message:
    return Message("notify_friends", uuid.uuid4().hex, args)


def _all_letters(rest: Rest) -> list[Letter]:
    letters: list[Letter] = []
    cursor = ""
    while cursor is not None:
        page = rest.get("/dead-letters?limit=100" + (f"&cursor={cursor}" if cursor else ""))
        letters += page.expect(200)["dead_letters"]
        cursor = page.body["next_cursor"]
    return letters


def _ids(rest: Rest) -> set[str]:
    return {letter["id"] for letter in _all_letters(rest)}


def _new_letters(rest: Rest, before: set[str], count: int) -> list[Letter]:
    def look() -> list[Letter] | None:
        new = [letter for letter in _all_letters(rest) if letter["id"] not in before]
        return new if len(new) >= count else None

    letters = until(look, f"{count} new dead letters")
    assert len(letters) == count
    return letters


def _letters(rest: Rest, task_id: str) -> list[Letter]:
    return [letter for letter in _all_letters(rest) if letter["task_id"] == task_id]


def _letter_of(rest: Rest, task_id: str) -> Letter:
    letters = until(lambda: _letters(rest, task_id), f"a dead letter of {task_id}")
    assert len(letters) == 1
    return letters[0]


def _reason(letters: list[Letter], task_id: str) -> str:
    [reason] = [letter["reason"] for letter in letters if letter["task_id"] == task_id]
    return str(reason)
