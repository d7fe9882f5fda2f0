"""Posting news, friendships, and reading feeds."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from social import stores
from social.news import News
from taskqueue import clock
from tests.support.api_stack import Send, Stack

POST = {"text": "Hello", "photos": ["https://example.com/1.jpg"]}
PATH = "/users/80/news"


def deliver(user: str, author: str, count: int) -> list[str]:
    """Put `count` news into the user's feed; return their ids, newest first."""
    ids = [f"{number:012x}" + "0" * 20 for number in range(count)]
    for number, identity in enumerate(ids):
        stores.news().put(News(identity, author, f"text {number}", (), number))
        stores.feeds().deliver([user], identity, author, clock.now_ms() // 1000 + 3600)
    return ids[::-1]


def test_a_post_is_stored_and_announced(stack: Stack, write: Send, read: Send) -> None:
    reply = write("POST", PATH, POST)
    assert (reply.status, reply.body["status"]) == (202, "PENDING")
    assert reply.headers["location"] == f"../../tasks/{reply.body['task_id']}"
    stored = stores.news().get(reply.body["news_id"])
    assert stored is not None
    assert (stored.author_id, stored.text, list(stored.photos)) == ("80", "Hello", POST["photos"])
    [message] = stack.messages()
    assert (message.task, message.id) == ("notify_friends", reply.body["task_id"])
    assert list(message.args) == ["80", reply.body["news_id"]]
    assert read("GET", f"/tasks/{message.id}").body["status"] == "PENDING"


def test_a_post_costs_one_write_request_and_one_send(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for client in (stack.dynamodb, stack.sqs):
        client.meta.events.register(
            "before-call", lambda model, **_: calls.append(model.name), unique_id="count"
        )
    write("POST", PATH, POST)
    for client in (stack.dynamodb, stack.sqs):
        client.meta.events.unregister("before-call", unique_id="count")
    assert calls == ["BatchExecuteStatement", "SendMessage"]


def test_when_the_queue_is_gone_nothing_is_half_done(stack: Stack, write: Send) -> None:
    stack.take_queue_away()
    reply = write("POST", PATH, POST)
    assert (reply.status, reply.headers["content-type"]) == (500, "application/problem+json")
    assert stack.items("news_table") == []
    assert stack.items("tasks_table") == []


def test_when_the_database_is_down_nothing_is_half_done(
    stack: Stack, write: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="x")

    monkeypatch.setattr(stack.dynamodb, "batch_execute_statement", fail)
    assert write("POST", PATH, POST).status == 503
    assert stack.items("news_table") == []
    assert stack.items("tasks_table") == []
    assert stack.bodies() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 5_001}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({"text": "a", "photos": "https://example.com"}, "photos"),
        ({"text": "a", "photos": ["ftp://example.com/a"]}, "photos.0"),
        ({"text": "a", "photos": ["javascript:alert(1)"]}, "photos.0"),
        ({"text": "a", "photos": ["https://"]}, "photos.0"),
        ({"text": "a", "photos": ["https://[bad/"]}, "photos.0"),
        ({"text": "a", "photos": ["https://example.com/a b"]}, "photos.0"),
        ({"text": "a", "photos": ["https://a.example/é"]}, "photos.0"),
        ({"text": "a", "photos": ["https://a.example/" + "x" * 2_048]}, "photos.0"),
        ({"text": "a", "photos": ["https://a.example/ok", 7]}, "photos.1"),
        ({"text": "a", "photos": ["https://a.example/"] * 11}, "photos"),
        ({"text": "a", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_post_names_the_field(stack: Stack, write: Send, body: Any, field: str) -> None:
    reply = write("POST", PATH, body)
    assert reply.status == 400
    assert [error["field"] for error in reply.body["errors"]] == [field]
    assert stack.items("news_table") == []


def test_only_the_author_deletes_news(stack: Stack, write: Send) -> None:
    news_id = write("POST", PATH, POST).body["news_id"]
    assert write("DELETE", f"/users/81/news/{news_id}").status == 404
    assert write("DELETE", f"{PATH}/{news_id}").status == 204
    assert stack.items("news_table") == []
    assert write("DELETE", f"{PATH}/{news_id}").status == 404


def test_friendships_go_both_ways(write: Send, read: Send) -> None:
    for _ in range(2):
        reply = write("PUT", "/users/ann/friends/ben")
        assert (reply.status, reply.body) == (204, None)
    assert read("GET", "/users/ann/friends").body == {"friends": ["ben"], "next_cursor": None}
    assert read("GET", "/users/ben/friends").body["friends"] == ["ann"]
    for _ in range(2):
        assert write("DELETE", "/users/ben/friends/ann").status == 204
    assert read("GET", "/users/ann/friends").body["friends"] == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("friend", ["ann", "a b", "x" * 10_000, "..", "💥"])
def test_a_friend_must_be_another_user(write: Send, method: str, friend: str) -> None:
    reply = write(method, f"/users/ann/friends/{friend}")
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "friend")


def test_friends_come_in_pages(stack: Stack, read: Send) -> None:
    stores.friends().put_many(("hub", f"f{number:03}") for number in range(45))
    seen: list[str] = []
    query = {"limit": "20"}
    while True:
        page = read("GET", "/users/hub/friends", query=query).body
        seen += page["friends"]
        if page["next_cursor"] is None:
            break
        query = {"limit": "20", "cursor": page["next_cursor"]}
    assert seen == [f"f{number:03}" for number in range(45)]


def test_a_feed_is_read_newest_first_in_pages_without_deleted_news(
    stack: Stack, read: Send
) -> None:
    ids = deliver("reader", "80", 7)
    stores.news().delete(ids[2])
    first = read("GET", "/users/reader/feed", query={"limit": "3"}).body
    assert [news["news_id"] for news in first["news"]] == ids[:2]
    assert first["news"][0] == {
        "news_id": ids[0],
        "author": "80",
        "text": "text 6",
        "photos": [],
        "posted_at": "1970-01-01T00:00:00.006000+00:00",
    }
    rest = read(
        "GET", "/users/reader/feed", query={"limit": "10", "cursor": first["next_cursor"]}
    ).body
    assert [news["news_id"] for news in rest["news"]] == ids[3:]
    assert rest["next_cursor"] is None


def test_the_longest_page_fits_a_functions_response(stack: Stack, write: Send, read: Send) -> None:
    link = "https://a.example/"
    post = {"text": "😀" * 5_000, "photos": [link.ljust(2_048, "x")] * 10}
    for _ in range(50):
        news_id = write("POST", PATH, post).body["news_id"]
        stores.feeds().deliver(["reader"], news_id, "80", clock.now_ms() // 1000 + 3600)
    path = "/users/reader/feed"
    page = read("GET", path, query={"limit": "50"}).body
    assert len(page["news"]) == 50
    assert len(json.dumps(json.dumps(page))) < 6 * 1024 * 1024
    assert read("GET", path, query={"limit": "51"}).status == 400


def test_the_feed_of_a_user_without_news_is_empty(read: Send) -> None:
    assert read("GET", "/users/nobody/feed").body == {"news": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["/users/ann/feed", "/users/ann/friends", "/dead-letters"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "$$$"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "x" * 10_000}, "cursor"),
    ],
)
def test_a_wrong_page_names_the_field(
    read: Send, path: str, query: dict[str, str], field: str
) -> None:
    reply = read("GET", path, query=query)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)
