"""The counter sees what botocore sends, and weighs items as the table holds them."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint

from tests.benchmarks.wire import RequestLog, observed, unobserved
from tests.benchmarks.write_counter import WriteCounter

_KEY = {"id": {"S": "1"}}


class _Answer(io.BytesIO):
    """What urllib3 gives botocore to read."""

    def stream(self, **_: object) -> list[bytes]:
        return [self.read()]


class _FakeDynamoDB:
    """One table `Tasks` of one item, behind the socket."""

    def __init__(self, indexes: list[dict[str, str]]) -> None:
        self.item: dict[str, Any] = {}
        self.description = {
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": indexes,
        }

    def send(self, request: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        answer = self._answer(operation, json.loads(request.body))
        return AWSResponse(request.url, 200, HTTPHeaders(), _Answer(json.dumps(answer).encode()))

    def _answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if operation == "PutItem":
            self.item = body["Item"]
            return {}
        if operation == "GetItem":
            return {"Item": self.item} if self.item else {}
        return {"Table": self.description}


def _counted(monkeypatch: pytest.MonkeyPatch, *texts: str, indexes: bool = False) -> Any:
    """Put items with these texts, one after the other; the counter and the log."""
    fake = _FakeDynamoDB([{"IndexName": "by-status"}] if indexes else [])
    monkeypatch.setattr(Endpoint, "_send", lambda endpoint, request: fake.send(request))
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    log, counter = RequestLog(), WriteCounter(client)
    with observed(log, counter):
        for text in texts:
            client.put_item(TableName="Tasks", Item={**_KEY, "text": {"S": text}})
        with unobserved():
            client.get_item(TableName="Tasks", Key=_KEY)
    return log, counter


def test_only_what_is_measured_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    log, counter = _counted(monkeypatch, "short")
    assert [request.operation for request in log.requests] == ["PutItem"]
    assert log.count("dynamodb") == 1
    assert counter.items == {"Tasks": 1}
    assert counter.units == {"Tasks": 1}


def test_the_larger_form_of_an_item_is_weighed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, counter = _counted(monkeypatch, "x" * 2000, "short")
    assert counter.items == {"Tasks": 2}
    assert counter.units == {"Tasks": 4}


def test_a_table_with_an_index_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="Tasks has an index"):
        _counted(monkeypatch, "short", indexes=True)


def test_requests_are_seen_in_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    log, _ = _counted(monkeypatch, "short")
    original = Endpoint._send  # type: ignore[attr-defined]
    with observed(log):
        assert Endpoint._send is not original  # type: ignore[attr-defined]
    assert Endpoint._send is original  # type: ignore[attr-defined]
