"""What bad requests get, from the gateway or from the function behind it."""

import uuid
from typing import Any

import pytest

from tools.local.deployed import Stack
from tools.local.rest import Rest


@pytest.mark.parametrize("key", [None, "", "wrong", uuid.uuid4().hex])
def test_a_key_is_needed(key: str | None, stack: Stack) -> None:
    stranger = Rest(stack.api_url, key)
    stranger.get("/users/80/feed").expect(403)
    stranger.post("/users/80/news", {"text": "Hello."}).expect(403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users/80/news", b"{"),
        ("/users/80/news", b"\xff"),
        ("/users/80/news", b"[]"),
        ("/users/80/news", {}),
        ("/users/80/news", {"text": 5}),
        ("/users/80/news", {"text": "Hello.", "unknown": 1}),
        ("/users/80/news", {"text": "Hello.", "photos": ["not a link"]}),
        ("/users/8%200/news", {"text": "Hello."}),
        (f"/users/{'x' * 10_000}/news", {"text": "Hello."}),
        ("/tasks/notify_friends", {"args": {}}),
        ("/tasks/notify_friends", {"kwargs": []}),
        ("/tasks/notify_friends", {"args": ["80", "news"], "countdown": "soon"}),
        ("/tasks/notify_friends", {"args": ["80", "news"], "task_id": "a b"}),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(path: str, body: Any, rest: Rest) -> None:
    problem = rest.post(path, body)
    assert problem.status in (400, 414), problem.body


def test_the_function_names_the_field_that_is_wrong(rest: Rest) -> None:
    problem = rest.post("/users/80/news", {"text": "Hello.", "photos": ["ftp://example.org/a"]})
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.expect(400)["errors"][0]["field"].startswith("photos")


def test_a_task_too_large_for_the_queue_is_refused(rest: Rest) -> None:
    body = {"args": ["80", "x" * 1_100_000], "task_id": uuid.uuid4().hex}
    rest.post("/tasks/notify_friends", body).expect(413)
    rest.get(f"/tasks/{body['task_id']}").expect(404)


def test_an_id_that_was_never_issued_is_not_found(rest: Rest) -> None:
    rest.get(f"/tasks/{uuid.uuid4().hex}").expect(404)
