"""Whatever is sent, nothing is ever a server error."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api_stack import Send

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
SEGMENT = st.text(min_size=1, max_size=20).map(lambda text: text.replace("/", "-"))
# The stack is the same for all examples of a test: what one writes does no harm to another.
ONE_STACK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def bodies(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


@ONE_STACK
@given(
    call=bodies("countdown", "eta", "expires", "task_id", "kwargs"),
    args=st.just(["80", "n"]) | st.lists(JSON, max_size=3),
)
def test_any_task_call(write: Send, call: dict[str, Any], args: list[Any]) -> None:
    reply = write("POST", "/tasks/notify_friends", json.dumps({"args": args, **call}))
    assert reply.status < 500


@ONE_STACK
@given(times=st.sampled_from(["eta", "expires"]), at=st.datetimes() | st.times() | st.dates())
def test_any_time(write: Send, times: str, at: Any) -> None:
    reply = write("POST", "/tasks/notify_friends", {"args": ["80", "n"], times: at.isoformat()})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, times)


@ONE_STACK
@given(text=st.text() | JSON, photos=st.lists(st.text() | st.text().map("http://{}".format)))
def test_any_post(write: Send, text: Any, photos: list[str]) -> None:
    reply = write("POST", "/users/80/news", json.dumps({"text": text, "photos": photos}))
    assert reply.status < 500


@ONE_STACK
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/tasks/{}"),
        ("PUT", "/users/{}/friends/b"),
        ("DELETE", "/users/a/news/{}"),
        ("POST", "/dead-letters/{}/redrive"),
        ("DELETE", "/dead-letters/{}"),
    ],
)
@given(segment=SEGMENT)
def test_any_id_of_a_write(write: Send, method: str, path: str, segment: str) -> None:
    assert write(method, path.format(segment)).status < 500


@ONE_STACK
@pytest.mark.parametrize("path", ["/tasks/{}", "/users/{}/feed", "/users/{}/friends"])
@given(segment=SEGMENT, query=st.dictionaries(st.sampled_from(["limit", "cursor"]), st.text()))
def test_any_id_of_a_read(read: Send, path: str, segment: str, query: dict[str, str]) -> None:
    assert read("GET", path.format(segment), query=query).status < 500
    assert read("GET", "/dead-letters", query=query).status < 500
