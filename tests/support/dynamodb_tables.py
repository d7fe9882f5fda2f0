"""Tables for tests, with the keys that `template.yaml` gives them."""

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FRIENDS = ("user_id", "friend_id")
NEWS = ("news_id",)
FEEDS = ("user_id", "news_id")


def create_table(client: "DynamoDBClient", *keys: str) -> str:
    """Create a table under a new name, with these string keys: partition key, sort key."""
    name = f"test-{uuid.uuid4().hex}"
    create_named_table(client, name, *keys)
    return name


def create_named_table(client: "DynamoDBClient", name: str, *keys: str) -> None:
    """Create a table with these string keys: partition key, sort key."""
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": "RANGE" if position else "HASH"}
            for position, key in enumerate(keys)
        ],
        BillingMode="PAY_PER_REQUEST",
    )
