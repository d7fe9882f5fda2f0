"""From a post to the feeds of the author's friends."""

import uuid
from collections.abc import Callable
from urllib.parse import urljoin

from tests.e2e.people import People
from tests.support.tasks import finished, until_task
from tools.demo.readers import Readers
from tools.local.rest import Rest

NewId = Callable[[], str]


def test_a_hubs_news_reach_exactly_its_friends(
    rest: Rest, people: People, readers: Readers
) -> None:
    hub = people.hub(1_045)
    posted = rest.post(f"/users/{hub.id}/news", {"text": "It runs.", "photos": []})

    body = posted.expect(202)
    location = urljoin(f"{rest.url}/users/{hub.id}/news", posted.headers["Location"])
    assert location == f"{rest.url}/tasks/{body['task_id']}"
    seen: list[int] = []

    def is_finished(found: dict[str, object]) -> bool:
        progress = found["progress"]
        if isinstance(progress, dict):
            seen.append(progress["done"])
        return found["status"] == "SUCCESS"

    found = until_task(rest, body["task_id"], is_finished)
    assert found["result"] == 1_045
    assert seen == sorted(seen)
    assert seen[-1] == 1_045
    assert readers.of_news(body["news_id"]) == list(hub.friends)


def test_few_friends_are_served_by_the_task_itself(
    rest: Rest, people: People, readers: Readers
) -> None:
    hub = people.hub(3)
    body = rest.post(f"/users/{hub.id}/news", {"text": "Hello."}).expect(202)
    found = finished(rest, body["task_id"])
    assert (found["status"], found["result"], found["attempts"]) == ("SUCCESS", 3, 1)
    assert readers.of_news(body["news_id"]) == list(hub.friends)


def test_who_has_no_friends_delivers_to_none(rest: Rest, new_id: NewId) -> None:
    body = rest.post(f"/users/{new_id()}/news", {"text": "Anybody?"}).expect(202)
    assert finished(rest, body["task_id"])["result"] == 0


def test_friendships_made_by_http_carry_news_until_they_end(rest: Rest, new_id: NewId) -> None:
    author, reader = new_id(), new_id()
    rest.put(f"/users/{author}/friends/{reader}").expect(204)
    assert rest.get(f"/users/{reader}/friends").expect(200)["friends"] == [author]

    first = _post(rest, author, "first")
    second = _post(rest, author, "second")
    rest.delete(f"/users/{reader}/friends/{author}").expect(204)
    _post(rest, author, "third")

    assert _texts(rest, reader) == ["second", "first"]
    rest.delete(f"/users/{author}/news/{second}").expect(204)
    assert _texts(rest, reader) == ["first"]
    rest.delete(f"/users/{reader}/news/{first}").expect(404)


def test_a_feed_comes_in_pages_newest_first(rest: Rest, people: People) -> None:
    hub = people.hub(1)
    texts = [f"news {number}" for number in range(5)]
    for text in texts:
        _post(rest, hub.id, text)
    path = f"/users/{hub.friends[0]}/feed?limit=2"
    read: list[str] = []
    cursor = ""
    while cursor is not None:
        page = rest.get(path + (f"&cursor={cursor}" if cursor else "")).expect(200)
        read += [news["text"] for news in page["news"]]
        cursor = page["next_cursor"]
    assert read == texts[::-1]


def test_a_repeated_post_is_made_once(rest: Rest, people: People) -> None:
    hub = people.hub(2)
    key = uuid.uuid4().hex
    path = f"/users/{hub.id}/news"
    first = rest.post(path, {"text": "once"}, idempotency_key=key).expect(202)
    again = rest.post(path, {"text": "once"}, idempotency_key=key).expect(202)
    assert again == first
    rest.post(path, {"text": "other"}, idempotency_key=key).expect(422)

    assert finished(rest, first["task_id"])["result"] == 2
    assert _texts(rest, hub.friends[0]) == ["once"]


def _post(rest: Rest, author: str, text: str) -> str:
    body = rest.post(f"/users/{author}/news", {"text": text}).expect(202)
    assert finished(rest, body["task_id"])["status"] == "SUCCESS"
    return str(body["news_id"])


def _texts(rest: Rest, reader: str) -> list[str]:
    page = rest.get(f"/users/{reader}/feed").expect(200)
    return [news["text"] for news in page["news"]]
