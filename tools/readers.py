"""Who has a piece of news in their feed, counted over all feeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tools.deployed import Stack


@dataclass(frozen=True)
class Readers:
    """The table of feeds, read past the API."""

    dynamodb: Any
    table: str

    @classmethod
    def of(cls, stack: Stack) -> Readers:
        """Those of a stack."""
        return cls(stack.client("dynamodb"), stack.outputs["FeedsTable"])

    def of_news(self, news_id: str) -> list[str]:
        """The users whose feeds hold the news, from a scan of every feed there is, in order."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table,
            FilterExpression="news_id = :news",
            ExpressionAttributeValues={":news": {"S": news_id}},
            ProjectionExpression="user_id",
            ConsistentRead=True,
        )
        return sorted(item["user_id"]["S"] for page in pages for item in page["Items"])

    def include(self, user_id: str, news_id: str) -> bool:
        """Whether the user's feed holds the news."""
        key = {"user_id": {"S": user_id}, "news_id": {"S": news_id}}
        return "Item" in self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
