"""The wire: a batch written as JSON at once is the request that botocore would have made."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import given
from hypothesis import strategies as st

from social.jsonitems import JsonItems, write_as_json
from taskqueue.lambdas.clients import CONFIG

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Body = dict[str, Any]


def client_that_tells(bodies: list[tuple[str, Body]]) -> "DynamoDBClient":
    """Return a client without a network: it notes each request's target and body."""
    client: Any = botocore.session.get_session().create_client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=CONFIG,
    )

    def answer(request: Any, **_: object) -> AWSResponse:
        assert int(request.headers["Content-Length"]) == len(request.body)
        bodies.append((request.headers["X-Amz-Target"].decode(), json.loads(request.body)))
        return AWSResponse(request.url, 200, HTTPHeaders(), _Raw())

    client.meta.events.register("before-send.dynamodb", answer)
    return cast("DynamoDBClient", client)


class _Raw:
    def stream(self) -> list[bytes]:
        return [b'{"UnprocessedItems":{}}']


VALUES = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(lambda text: {"S": text}, st.text())
    | st.builds(lambda n: {"N": str(n)}, st.integers()),
    max_size=4,
)


BODIES: list[tuple[str, Body]] = []
CLIENT = client_that_tells(BODIES)
write_as_json(CLIENT)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_the_body_is_botocores_own(items: list[dict[str, Any]]) -> None:
    BODIES.clear()
    requests: Any = {"feeds": [{"PutRequest": {"Item": item}} for item in items]}

    CLIENT.batch_write_item(RequestItems=requests)
    CLIENT.batch_write_item(RequestItems=JsonItems(requests))

    assert (
        BODIES[0] == BODIES[1] == ("DynamoDB_20120810.BatchWriteItem", {"RequestItems": requests})
    )


@pytest.mark.parametrize("times", [1, 3])
def test_a_client_may_be_told_more_than_once(times: int) -> None:
    bodies: list[tuple[str, Body]] = []
    client = client_that_tells(bodies)
    for _ in range(times):
        write_as_json(client)
    requests: Any = {"feeds": [{"PutRequest": {"Item": {"user_id": {"S": "é"}}}}]}

    client.batch_write_item(RequestItems=JsonItems(requests))

    assert bodies == [("DynamoDB_20120810.BatchWriteItem", {"RequestItems": requests})]


def test_what_the_caller_passed_is_left_as_it_was() -> None:
    client = client_that_tells([])
    write_as_json(client)
    requests = JsonItems({"feeds": [{"PutRequest": {"Item": {"user_id": {"S": "1"}}}}]})
    before = json.dumps(requests)

    client.batch_write_item(RequestItems=requests)

    assert json.dumps(requests) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.get_item(TableName="feeds", Key={"user_id": {"S": "1"}}),
        lambda client: client.batch_get_item(
            RequestItems={"feeds": {"Keys": [{"user_id": {"S": "1"}}]}}
        ),
    ],
)
def test_other_requests_are_as_before(call: Callable[["DynamoDBClient"], object]) -> None:
    plain: list[tuple[str, Body]] = []
    told: list[tuple[str, Body]] = []
    call(client_that_tells(plain))
    client = client_that_tells(told)
    write_as_json(client)

    call(client)

    assert plain == told
