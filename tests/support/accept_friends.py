"""Post as a user of a real network of friends, and count over all feeds who has the news.

    python -m tests.support.accept_friends friends.csv 80

On the running stack (`make run`): once as things are, then ten times while every tenth message is
delivered twice and a consumer is killed in the middle of its work.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from social.friends import FriendStore
from tests.faults.duplicates import duplicated
from tests.faults.interruption import (
    WRITES_BEFORE_THE_KILL,
    killed_while_it_delivers,
    quick_redelivery,
)
from tests.faults.local_function import LocalFunction
from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished
from tools.data.edge_list import EdgeList, read_edge_list
from tools.data.load_friends import Progress, load, table_id
from tools.demo.readers import Readers
from tools.errors import ToolError, run_tool, say
from tools.local.deployed import Stack, read_stack
from tools.local.ministack import Ministack, add_port
from tools.local.rest import Rest
from tools.local.sam import stack_name
from tools.waiting import until

CONSUMER = "notificationsFunction"
SENDERS = ("ProducerFunction", CONSUMER)
POSTS = 10
FAN_OUT_SECONDS = 120
DELIVERIES_A_WRITE = 25


@dataclass(frozen=True)
class Network:
    """A user, their friends in the order of their ids, and how many users there are in all."""

    user: str
    friends: list[str]
    users: int

    @classmethod
    def of(cls, edges: EdgeList, user: str) -> Network:
        """The network of a file, as this user sees it.

        Raises:
            ToolError: the user has no friends there.
        """
        friends: set[str] = set()
        users: set[str] = set()
        for edge in edges.edges():
            users.update(edge)
            if user in edge:
                friends.update(edge)
        if not friends:
            raise ToolError(f"user {user} has no friends in {edges.path}")
        return cls(user, sorted(friends - {user}), len(users))

    @property
    def writes(self) -> int:
        """How many writes to feeds one post takes."""
        return math.ceil(len(self.friends) / DELIVERIES_A_WRITE)


@dataclass(frozen=True)
class Posted:
    """A piece of news and the task that announces it."""

    news_id: str
    task_id: str


class Acceptance:
    """Posts on a stack, and checks what becomes of the posts."""

    def __init__(self, stack: Stack, network: Network) -> None:
        self._stack = stack
        self._network = network
        self._rest = Rest.of(stack)
        self._readers = Readers.of(stack)

    def as_things_are(self) -> None:
        """Post once and count."""
        posted = self._post()
        self._check([posted])
        say(f"as it is      task {posted.task_id}: {self._verdict()}")

    def with_duplicates_and_a_kill(self) -> None:
        """Post ten times, messages delivered twice and a consumer killed, and count each time."""
        consumer = LocalFunction(self._stack, CONSUMER)
        amid = min(WRITES_BEFORE_THE_KILL, self._network.writes)
        with (
            quick_redelivery(self._stack, consumer),
            duplicated(self._stack, SENDERS) as duplicator,
            killed_while_it_delivers(self._stack, consumer, amid) as killed,
        ):
            first = self._post()
            until(lambda: killed, "a consumer is killed")
            say(f"killed        {len(killed)} consumers, over task {first.task_id}")
            posts = [first, *(self._post() for _ in range(POSTS - 1))]
            self._wait(posts)
            # Copies that come later than the end of their task.
            RawQueue.of(self._stack).wait_until_empty()
        self._check(posts)
        say(f"twice         {duplicator.copied} of {duplicator.sent} messages")
        say(f"counted       {len(posts)} posts, each: {self._verdict()}")

    def _post(self) -> Posted:
        path = f"/users/{self._network.user}/news"
        body = self._rest.post(path, {"text": "Hello, friends!"}).expect(HTTPStatus.ACCEPTED)
        return Posted(body["news_id"], body["task_id"])

    def _wait(self, posts: Sequence[Posted]) -> None:
        expected = ("SUCCESS", len(self._network.friends))
        for posted in posts:
            task = finished(self._rest, posted.task_id, FAN_OUT_SECONDS)
            if (task["status"], task["result"]) != expected:
                raise ToolError(f"task {posted.task_id} is {task['status']}: {task['result']}")

    def _check(self, posts: Sequence[Posted]) -> None:
        self._wait(posts)
        friends = self._network.friends
        for news_id, readers in self._readers.of_each([post.news_id for post in posts]).items():
            if readers != friends:
                strangers = set(readers) - set(friends)
                raise ToolError(
                    f"news {news_id} is in {len(readers):,} feeds, "
                    f"{len(strangers):,} of them of others than the {len(friends):,} friends"
                )

    def _verdict(self) -> str:
        friends, users = len(self._network.friends), self._network.users
        return (
            f"SUCCESS with {friends}; of {users:,} feeds, exactly the friends' {friends:,} have it"
        )


def main() -> None:
    """Load the file, and accept what the stack does with it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.accept_friends", description=__doc__
    )
    parser.add_argument("path", type=Path, help="a CSV file with the header user_id,friend_id")
    parser.add_argument("user", help="who posts")
    add_port(parser)
    chosen = parser.parse_args()
    edges = read_edge_list(chosen.path)
    network = Network.of(edges, chosen.user)
    stack = read_stack(stack_name(), Ministack(chosen.port))
    _load(stack, edges)
    say(
        f"friends       {edges.rows:,} friendships of {network.users:,} users; "
        f"user {network.user} has {len(network.friends):,} friends"
    )
    acceptance = Acceptance(stack, network)
    acceptance.as_things_are()
    acceptance.with_duplicates_and_a_kill()


def _load(stack: Stack, edges: EdgeList) -> None:
    client = stack.client("dynamodb")
    table = stack.outputs["FriendsTable"]
    progress = Progress.of(edges, table_id(client, table), Ministack(stack.port).folder)
    load(edges, FriendStore(client, table), progress)


if __name__ == "__main__":
    run_tool(main)
