"""The guided run's first half: a hub posts a piece of news, and all of its friends get it."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from tqdm import tqdm

from social.friends import FriendStore
from tools.data.edge_list import read_edge_list
from tools.data.load_friends import Progress, load, table_id
from tools.demo.friend_graph import HUB, Edge, friend_graph, write_edges
from tools.demo.readers import Readers
from tools.errors import ToolError, say
from tools.local.deployed import Stack
from tools.local.ministack import Ministack
from tools.local.rest import Rest

FAN_OUT_SECONDS = 120
FEEDS_SHOWN = 3
_POLL_SECONDS = 0.1
_FAILED = {"FAILURE", "REVOKED"}


def run_news(stack: Stack) -> None:
    """Load a network of friends, post as its hub, wait for every feed, and show three.

    Raises:
        ToolError: a step failed, or the news did not reach exactly the hub's friends.
    """
    edges = friend_graph()
    friends = friends_of(HUB, edges)
    say(f"\nfriends       {len(edges):,} friendships; user {HUB} has {len(friends):,} friends")
    _load(stack, edges)
    rest = Rest.of(stack)
    text = f"Greetings to my {len(friends):,} friends!"
    body = rest.post(f"/users/{HUB}/news", {"text": text, "photos": []}).expect(HTTPStatus.ACCEPTED)
    say(f'\nposted        "{text}" as user {HUB}: news {body["news_id"]}')
    say(f"notifying     task {body['task_id']}")
    task = _watch(rest, body["task_id"], len(friends))
    _check(Readers.of(stack).of_news(body["news_id"]), friends)
    say(
        f"delivered     {task['result']:,} deliveries; {len(friends):,} feeds have it, no other has"
    )
    for friend in shown(friends):
        newest = rest.get(f"/users/{friend}/feed?limit=1").expect(HTTPStatus.OK)["news"][0]
        say(f'feed of {friend:<5} "{newest["text"]}" from user {newest["author"]}')


def friends_of(user: str, edges: list[Edge]) -> list[str]:
    """The friends of one user, in order."""
    return sorted({b if a == user else a for a, b in edges if user in (a, b)})


def shown(friends: list[str]) -> list[str]:
    """A few friends from all over the list: the first, the last and those between."""
    step = (len(friends) - 1) / (FEEDS_SHOWN - 1)
    return [friends[round(step * place)] for place in range(FEEDS_SHOWN)]


def done(task: dict[str, Any]) -> int:
    """How many deliveries a task of notify_friends says are made."""
    if task["status"] == "SUCCESS":
        return int(task["result"])
    progress = task["progress"]
    return int(progress["done"]) if isinstance(progress, dict) else 0


def _load(stack: Stack, edges: list[Edge]) -> None:
    ministack = Ministack(stack.port)
    path = ministack.folder / "friends.csv"
    write_edges(path, edges)
    client = stack.client("dynamodb")
    table = stack.outputs["FriendsTable"]
    edge_list = read_edge_list(path)
    progress = Progress.of(edge_list, table_id(client, table), ministack.folder)
    load(edge_list, FriendStore(client, table), progress)


def _watch(rest: Rest, task_id: str, total: int) -> dict[str, Any]:
    deadline = time.monotonic() + FAN_OUT_SECONDS
    with tqdm(total=total, desc="delivering", unit=" feeds", disable=None) as bar:
        while True:
            task: dict[str, Any] = rest.get(f"/tasks/{task_id}").expect(HTTPStatus.OK)
            bar.update(done(task) - bar.n)
            if task["status"] == "SUCCESS":
                return task
            if task["status"] in _FAILED or time.monotonic() > deadline:
                raise ToolError(f"the news did not arrive: task {task_id} is {task['status']}")
            time.sleep(_POLL_SECONDS)


def _check(readers: list[str], friends: list[str]) -> None:
    if readers != friends:
        raise ToolError(
            f"the news is in {len(readers):,} feeds, "
            f"of which {len(set(readers) & set(friends)):,} are of the {len(friends):,} friends"
        )
