"""The views of a stack counted by hand, to compare its rankings with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import batched
from typing import Any

from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.local.rest import Rest

Ranking = Mapping[str, Any]

RANKING_SECONDS = 120
# Counting waits for messages that come back after a consumer's death.
COUNTING_SECONDS = 180
_MAX_DELETES = 25


def best(counts: Mapping[str, int], size: int = 10) -> list[tuple[str, int]]:
    """The most viewed books with their views; of books with as many views, the first by id."""
    return sorted(counts.items(), key=lambda book: (-book[1], book[0]))[:size]


def check(ranking: Ranking, counts: Mapping[str, int]) -> None:
    """Compare a ranking with the count by hand.

    Raises:
        ToolError: they differ; says in what.
    """
    found = [(book["book"], book["views"]) for book in ranking["books"]]
    ranks = [book["rank"] for book in ranking["books"]]
    for what, said, is_so in (
        ("books", found, best(counts)),
        ("ranks", ranks, list(range(1, len(found) + 1))),
        ("views", ranking["views"], sum(counts.values())),
        ("distinct books", ranking["distinct_books"], len(counts)),
        ("segments left out", ranking["segments_left_out"], 0),
    ):
        if said != is_so:
            raise ToolError(f"the ranking's {what} are {said}, by hand {is_so}")


def start_ranking(rest: Rest) -> str:
    """Start `select_populate_book` and return the task's id."""
    answer = rest.post("/tasks/select_populate_book", {}).expect(HTTPStatus.ACCEPTED)
    return str(answer["task_id"])


def ranking_of(rest: Rest, task_id: str) -> Ranking:
    """Wait for a task of `select_populate_book` and return its ranking.

    Raises:
        ToolError: there is none.
    """
    task = finished(rest, task_id, RANKING_SECONDS)
    if task["status"] != "SUCCESS":
        raise ToolError(f"the ranking was not made: task {task_id} is {task['status']}")
    ranking: Ranking = task["result"]
    return ranking


def views_queue(stack: Stack) -> RawQueue:
    """The queue of views, seen past the task queue."""
    return RawQueue(stack.client("sqs"), stack.outputs["viewsQueueUrl"])


def wait_until_counted(stack: Stack) -> None:
    """Wait until all views that were taken are counted.

    Raises:
        ToolError: some still are not.
    """
    views_queue(stack).wait_until_empty(COUNTING_SECONDS)


def forget_views(stack: Stack) -> int:
    """Delete the views, which are from tests or runs before; returns how many items.

    The hours' lists of books stay, which consumers know by heart: they hold no counts.
    """
    dynamodb, table = stack.client("dynamodb"), stack.outputs["ViewsTable"]
    keys = list(_keys(dynamodb, table))
    for batch in batched(keys, _MAX_DELETES, strict=False):
        requests = [{"DeleteRequest": {"Key": key}} for key in batch]
        dynamodb.batch_write_item(RequestItems={table: requests})
    return len(keys)


def _keys(dynamodb: Any, table: str) -> Iterable[Mapping[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="NOT begins_with(pk, :lists)",
        ExpressionAttributeValues={":lists": {"S": "books#"}},
        ProjectionExpression="pk, sk",
        ConsistentRead=True,
    )
    return (item for page in pages for item in page["Items"])
