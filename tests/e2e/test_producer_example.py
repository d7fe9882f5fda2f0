"""A program of one's own sends a task by `delay`, as the README and docs/writing-tasks.md show."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.e2e.people import People
from tests.support.iam_user import iam_user
from tests.support.raw_queue import RawQueue
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.paths import ROOT

TIMEOUT_SECONDS = 60


@pytest.fixture
def environ(stack: Stack) -> dict[str, str]:
    """What `eval "$(python -m examples.producer.environment …)"` leaves in the environment."""
    environ = stack.environ(os.environ)
    exports = run("examples.producer.environment", stack.name, environ=environ)
    named = (line.removeprefix("export ").partition("=") for line in exports.splitlines())
    return environ | {name: value.strip("'") for name, _, value in named}


def run(module: str, *arguments: str, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_sends_and_waits(environ: dict[str, str], people: People, readers: Readers) -> None:
    hub = people.hub(30)
    news = people.news(hub)
    printed = run("examples.producer.notify", hub.id, news, environ=environ).splitlines()
    assert printed[0].startswith("task ")
    assert printed[1] == "delivered to 30 friends"
    assert readers.of_news(news) == list(hub.friends)


def test_it_needs_the_permissions_of_the_page(
    stack: Stack, environ: dict[str, str], people: People
) -> None:
    permissions = {
        RawQueue.of(stack).arn: ["sqs:SendMessage"],
        table_arn(stack): ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:GetItem"],
    }
    with iam_user(stack, permissions) as keys:
        friends = people.hub(2)
        news = people.news(friends)
        printed = run("examples.producer.notify", friends.id, news, environ=environ | dict(keys))
    assert printed.endswith("delivered to 2 friends\n")


def table_arn(stack: Stack) -> str:
    table = stack.client("dynamodb").describe_table(TableName=stack.outputs["TasksTable"])
    return str(table["Table"]["TableArn"])
