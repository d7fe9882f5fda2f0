"""The guided run's last words: where the stack is, and what to try with it."""

from __future__ import annotations

from tools.demo.friend_graph import HUB
from tools.local.deployed import Stack
from tools.local.ministack import DEFAULT_PORT, Ministack


def farewell(stack: Stack) -> str:
    """Where the API is, and what to try with it."""
    port = "" if stack.port == DEFAULT_PORT else f" PORT={stack.port}"
    return f"""
The stack is up until `make stop{port}`; `make run{port}` deploys it anew.

API address   {stack.api_url}
API key       {stack.api_key}
local AWS     AWS_ENDPOINT_URL={stack.endpoint_url}, credentials test and test
log           {Ministack(stack.port).log}

To go on: post as user {HUB}, look at the task that the answer names, and at a friend's feed.

  api={stack.api_url}
  key='x-api-key: {stack.api_key}'
  curl -H "$key" -H 'Content-Type: application/json' -d '{{"text": "Hello!"}}' $api/users/{HUB}/news
  curl -H "$key" $api/tasks/TASK_ID
  curl -H "$key" $api/users/{HUB}/friends
  curl -H "$key" $api/users/FRIEND/feed

Or view a book, have the ranking made more often (from beat's next tick on,
within a minute), and look at it, and at what beat runs.

  curl -H "$key" -X POST $api/books/50/views
  curl -H "$key" -H 'Content-Type: application/json' -X PUT $api/schedules/often \\
    -d '{{"task": "select_populate_book", "interval_seconds": 10}}'
  curl -H "$key" $api/books/top
  curl -H "$key" $api/schedules"""
