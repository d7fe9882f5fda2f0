"""Reads what a stack has at rest, past the API where the API would show a part only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from books.counting.count import count
from books.counting.store import DynamoViewStore
from books.ranking import window
from taskqueue.clock import now_ms
from taskqueue.records.item import item_id, read_record
from taskqueue.records.record import TaskRecord
from tests.chaos.checking import Found, Run
from tools.local.deployed import Stack
from tools.local.rest import Rest

WINDOW_MINUTES = 60
_PREFIX, _END = item_id("")[:-1], item_id("")[-1]


def find(stack: Stack, runs: Path) -> Found:
    """Read everything. `runs`: the file of the runs."""
    return Found(
        records=records(stack),
        feeds=feeds(stack),
        views=_views(stack),
        runs=[Run(**json.loads(line)) for line in runs.read_text().splitlines()],
        letters=letters(stack),
    )


def records(stack: Stack) -> dict[str, TaskRecord]:
    """The records of all tasks, by id."""
    found = {}
    for item in _items(stack, "TasksTable"):
        name: str = item["id"]["S"]
        # The table holds the shards of groups, too.
        if name.startswith(_PREFIX):
            task_id = name.removeprefix(_PREFIX).removesuffix(_END)
            found[task_id] = read_record(task_id, item)
    return found


def feeds(stack: Stack) -> dict[str, list[str]]:
    """Who has which news, by the ids of the news, in the order of the users' ids."""
    found: dict[str, list[str]] = {}
    for item in _items(stack, "FeedsTable"):
        found.setdefault(item["news_id"]["S"], []).append(item["user_id"]["S"])
    return {news_id: sorted(users) for news_id, users in found.items()}


def letters(stack: Stack) -> Sequence[Mapping[str, Any]]:
    """All dead letters, as the API shows them."""
    rest, found, cursor = Rest.of(stack), [], ""
    while cursor is not None:
        body = rest.get(f"/dead-letters?limit=100{cursor and f'&cursor={cursor}'}").expect(
            HTTPStatus.OK
        )
        found += body["dead_letters"]
        cursor = body["next_cursor"]
    return found


def _views(stack: Stack) -> Mapping[str, int]:
    store = DynamoViewStore(stack.client("dynamodb"), stack.outputs["ViewsTable"], WINDOW_MINUTES)
    at_ms = now_ms()
    return count(store, window(at_ms, WINDOW_MINUTES), at_ms).counts


def _items(stack: Stack, output: str) -> Any:
    pages = stack.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=stack.outputs[output], ConsistentRead=True):
        yield from page["Items"]
