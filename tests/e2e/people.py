"""Users who are friends, made straight in the table."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import boto3

from social.batches import Batches
from social.friends import FriendStore
from taskqueue.aws import CONFIG
from tools.deployed import Stack
from tools.ministack import REGION, credentials


@dataclass(frozen=True)
class Hub:
    """A user with friends; `friends` are in the order of their ids."""

    id: str
    friends: Sequence[str]


@dataclass(frozen=True)
class People:
    """The table of friendships."""

    store: FriendStore

    @classmethod
    def of(cls, stack: Stack) -> "People":
        """That of a stack."""
        # Configured as in the functions: `Batches` writes requests that botocore cannot check.
        dynamodb = boto3.client(
            "dynamodb",
            config=CONFIG,
            endpoint_url=stack.endpoint_url,
            region_name=REGION,
            aws_access_key_id=credentials()["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials()["AWS_SECRET_ACCESS_KEY"],
        )
        return cls(FriendStore(dynamodb, stack.outputs["FriendsTable"], Batches(dynamodb)))

    def hub(self, count: int) -> Hub:
        """Make a user with `count` friends, who have each another friend of their own."""
        name = uuid.uuid4().hex
        friends = [f"{name}-{number:05d}" for number in range(count)]
        strangers = [f"{name}-stranger-{number:05d}" for number in range(count)]
        self.store.put_many((name, friend) for friend in friends)
        self.store.put_many(zip(friends, strangers, strict=True))
        return Hub(name, friends)
