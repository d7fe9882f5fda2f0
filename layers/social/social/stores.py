"""The stores of the deployed stack, made when first asked for, from the environment."""

import os
from functools import cache

from social.feeds import FeedStore
from social.friends import FriendStore
from social.news import NewsStore
from social.part_state import PartReader
from taskqueue.lambdas import wiring
from taskqueue.lambdas.clients import client


@cache
def friends() -> FriendStore:
    """Return the store of the table FRIENDS_TABLE."""
    return FriendStore(client("dynamodb"), os.environ["FRIENDS_TABLE"])


@cache
def news() -> NewsStore:
    """Return the store of the table NEWS_TABLE."""
    return NewsStore(client("dynamodb"), os.environ["NEWS_TABLE"])


@cache
def feeds() -> FeedStore:
    """Return the store of the table FEEDS_TABLE."""
    return FeedStore(client("dynamodb"), os.environ["FEEDS_TABLE"])


@cache
def parts() -> PartReader:
    """Return what reads how it stands with a part of a fan-out."""
    return PartReader(client("dynamodb"), news(), wiring.task_store())


def feed_ttl_seconds() -> int:
    """Return for how long a delivery stays in a feed."""
    return int(os.environ["FEED_TTL_SECONDS"])
