"""Users who are friends, made straight in the table."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from social.friends import FriendStore
from social.news import News, NewsStore
from taskqueue import clock
from tools.local.deployed import Stack


@dataclass(frozen=True)
class Hub:
    """A user with friends; `friends` are in the order of their ids."""

    id: str
    friends: Sequence[str]


@dataclass(frozen=True)
class People:
    """The tables of friendships and of news."""

    store: FriendStore
    posts: NewsStore

    @classmethod
    def of(cls, stack: Stack) -> "People":
        """That of a stack."""
        dynamodb = stack.client("dynamodb")
        return cls(
            FriendStore(dynamodb, stack.outputs["FriendsTable"]),
            NewsStore(dynamodb, stack.outputs["NewsTable"]),
        )

    def news(self, author: Hub) -> str:
        """Make news of that user, which nobody has announced yet; return its id."""
        news = News(uuid.uuid4().hex, author.id, "Hello.", (), clock.now_ms())
        self.posts.put(news)
        return news.id

    def hub(self, count: int) -> Hub:
        """Make a user with `count` friends, who have each another friend of their own."""
        name = uuid.uuid4().hex
        friends = [f"{name}-{number:05d}" for number in range(count)]
        strangers = [f"{name}-stranger-{number:05d}" for number in range(count)]
        self.store.put_many((name, friend) for friend in friends)
        self.store.put_many(zip(friends, strangers, strict=True))
        return Hub(name, friends)
