"""A stock Celery client reads the records that `DynamoTaskStore` writes."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.lease import Claim
from taskqueue.records.meta import ErrorInfo, result_meta
from taskqueue.records.store import Finish, Finished
from tests.support.dynamodb_tables import create_table
from tools.local.ministack import client_environ
from tools.paths import CELERY_PYTHON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_795_370_400_000
PROGRAM = Path(__file__).with_name("celery_reads.py")
ERROR = ErrorInfo("ValueError", ["no", 1], "builtins")
OWN_ERROR = ErrorInfo("OutOfStock", ["hat"], "shop.errors")

pytestmark = pytest.mark.skipif(
    not CELERY_PYTHON.exists(), reason="no stock Celery in .venv-celery: `make test` installs it"
)


class Table:
    """A store, and tasks in it in one state each."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.name = create_table(client, "id")
        self.store = DynamoTaskStore(client, self.name, result_ttl_seconds=3_600)

    def task(self) -> Message:
        return Message("add", str(uuid.uuid4()), [1, 2], queue="work")

    def enqueued(self) -> Message:
        message = self.task()
        self.store.enqueue(message, NOW_MS)
        return message

    def started(self) -> Message:
        message = self.enqueued()
        self.store.claim([Claim(message, NOW_MS + 1, "m-1", "n-0")], NOW_MS)
        return message

    def ended(self, status: str, **said: Any) -> Message:
        message = self.started()
        meta = result_meta(message, status, at_ms=NOW_MS, **said)
        next_due_ms = NOW_MS if status == states.RETRY else None
        end = Finish(message.id, 1, 0, status, meta, 0, NOW_MS, next_due_ms=next_due_ms)
        assert self.store.finish([end]) == [Finished.WRITTEN]
        return message

    def completed(self) -> Message:
        message = self.started()
        self.store.complete(message, 1_045, NOW_MS, "0:1045:0")
        return message

    def failed_unknown(self) -> Message:
        message = self.task()
        self.store.fail(message, ERROR, NOW_MS)
        return message

    def revoked(self) -> Message:
        message = self.enqueued()
        self.store.revoke(message.id, NOW_MS)
        return message

    def redriven(self) -> Message:
        message = self.ended(states.FAILURE, error=ERROR)
        self.store.reset(message, NOW_MS)
        return message


def answer(state: str, result: Any = None, kind: str | None = None) -> dict[str, Any]:
    finished = state in states.FINISHED
    return {
        "state": state,
        "ready": finished,
        "result": result,
        "class": kind,
        "raises": kind.rpartition(".")[2] if kind and finished else None,
    }


NO = ["no", "1"]
CASES: list[tuple[str, Callable[[Table], Message], dict[str, Any]]] = [
    ("never issued", Table.task, answer("PENDING")),
    ("enqueued", Table.enqueued, answer("PENDING")),
    ("started", Table.started, answer("PENDING")),
    ("redriven", Table.redriven, answer("PENDING")),
    ("a result", lambda t: t.ended("SUCCESS", result={"n": [3]}), answer("SUCCESS", {"n": [3]})),
    ("no result", lambda t: t.ended("SUCCESS"), answer("SUCCESS")),
    ("completed by its parts", Table.completed, answer("SUCCESS", 1_045)),
    (
        "an error",
        lambda t: t.ended("FAILURE", error=ERROR),
        answer("FAILURE", NO, "builtins.ValueError"),
    ),
    (
        "an error of a class that the client lacks",
        lambda t: t.ended("FAILURE", error=OWN_ERROR),
        answer("FAILURE", ["hat"], "celery.exceptions.OutOfStock"),
    ),
    ("a dead letter", Table.failed_unknown, answer("FAILURE", NO, "builtins.ValueError")),
    (
        "a retry",
        lambda t: t.ended("RETRY", error=ERROR),
        answer("RETRY", NO, "builtins.ValueError"),
    ),
    (
        "revoked",
        Table.revoked,
        answer("REVOKED", ["revoked"], "celery.exceptions.TaskRevokedError"),
    ),
]


@pytest.fixture(scope="module")
def read(ministack_url: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what Celery reads, by the name of the case."""
    table = Table(request.getfixturevalue("ministack_dynamodb"))
    ids = {name: make(table).id for name, make, _ in CASES}
    output = subprocess.run(
        [CELERY_PYTHON, PROGRAM, ministack_url, table.name, *ids.values()],
        env=client_environ(os.environ, ministack_url),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    found = json.loads(output)
    return {name: found[task_id] for name, task_id in ids.items()}


@pytest.mark.parametrize(("name", "expected"), [(name, expected) for name, _, expected in CASES])
def test_celery_reads(read: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    assert read[name] == expected
