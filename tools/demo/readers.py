"""Who has a piece of news in their feed, counted over all feeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.local.deployed import Stack


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
        """The users whose feeds hold the news, in order, each as often as it is there."""
        return self.of_each([news_id])[news_id]

    def of_each(self, news_ids: Sequence[str]) -> dict[str, list[str]]:
        """As `of_news`, by news, from one scan of every feed there is; up to 100 news."""
        names = {f":news{index}": news_id for index, news_id in enumerate(news_ids)}
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table,
            FilterExpression=f"news_id IN ({', '.join(names)})",
            ExpressionAttributeValues={name: {"S": news_id} for name, news_id in names.items()},
            ProjectionExpression="news_id, user_id",
            ConsistentRead=True,
        )
        found: dict[str, list[str]] = {news_id: [] for news_id in news_ids}
        for page in pages:
            for item in page["Items"]:
                found[item["news_id"]["S"]].append(item["user_id"]["S"])
        return {news_id: sorted(users) for news_id, users in found.items()}

    def include(self, user_id: str, news_id: str) -> bool:
        """Whether the user's feed holds the news."""
        key = {"user_id": {"S": user_id}, "news_id": {"S": news_id}}
        return "Item" in self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
