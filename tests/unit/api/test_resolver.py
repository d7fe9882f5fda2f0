"""The shared resolver: every mistake is a problem that names its field, and nothing leaks."""

import base64
import io
import json
from typing import Any
from urllib.parse import urljoin

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from api import replies
from api.fields import Limit, PathId
from api.problems import CONTENT_TYPE
from api.resolver import Api
from taskqueue.errors import SendError, StoreRefused, Throttled
from tests.support.gateway import CONTEXT, Answer, answer, call, event


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    count: int = Field(ge=0)
    names: list[str] = []


LOG = io.StringIO()
api = Api(Logger(service="test", stream=LOG))


@api.post("/things/<thing>")
def post_thing(thing: PathId, body: Body) -> dict[str, Any]:
    return {"thing": thing, "count": body.count}


@api.get("/things")
def get_things(limit: Limit = 20) -> dict[str, Any]:
    return {"limit": limit}


@api.post("/things/<thing>/moves")
def move_thing(thing: PathId) -> replies.Reply:
    return replies.accepted({}, replies.location(api.current_event, f"/tasks/{thing}"))


@api.get("/broken/<how>")
def get_broken(how: str) -> dict[str, Any]:
    kinds = {"queue": SendError, "busy": Throttled, "denied": StoreRefused}
    raise kinds.get(how, RuntimeError)("secret of the request")


def fields(reply: Answer) -> list[str]:
    assert reply.headers["content-type"] == CONTENT_TYPE
    assert reply.body["status"] == reply.status
    return [error["field"] for error in reply.body["errors"]]


def test_a_valid_request_is_answered() -> None:
    reply = call(api.resolve, "POST", "/things/a-1", {"count": 3})
    assert (reply.status, reply.body) == (200, {"thing": "a-1", "count": 3})


def test_the_sample_of_the_sam_cli_with_a_base64_body_is_read() -> None:
    sent = event("POST", "/things/a", base64.b64encode(b'{"count": 1}').decode())
    assert answer(api.resolve({**sent, "isBase64Encoded": True}, CONTEXT)).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"count": 1', "body"),
        ("", "body"),
        ("[1]", "body"),
        ('[{"count": 1}]', "body"),
        ('"text"', "body"),
        ("null", "body"),
        ('{"count": NaN}', "body"),
        ('{"count": "\\ud800"}', "body"),
        ('{"count": ' + "9" * 5000 + "}", "body"),
        ('{"count": ' + "[" * 200 + "]" * 200 + "}", "body"),
        ('{"count": ' + "[" * 200_000 + "]" * 200_000 + "}", "body"),
        ("{}", "count"),
        ('{"count": "1"}', "count"),
        ('{"count": -1}', "count"),
        ('{"count": true}', "count"),
        ('{"count": 1, "names": ["a", 2]}', "names.1"),
        ('{"count": 1, "colour": "red"}', "colour"),
    ],
)
def test_a_wrong_body_names_the_field(body: str, field: str) -> None:
    reply = call(api.resolve, "POST", "/things/a", body)
    assert reply.status == 400
    assert fields(reply) == [field]


def test_a_body_that_is_not_utf8_is_refused() -> None:
    sent = event("POST", "/things/a", base64.b64encode(b"\xff\xfe").decode())
    reply = answer(api.resolve({**sent, "isBase64Encoded": True}, CONTEXT))
    assert (reply.status, fields(reply)) == (400, ["body"])


def test_a_body_over_the_limit_of_a_queue_is_refused() -> None:
    reply = call(api.resolve, "POST", "/things/a", {"count": 1, "names": ["x" * 1_048_576]})
    assert reply.status == 413


def test_a_body_that_is_not_said_to_be_json_is_refused() -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = call(api.resolve, "POST", "/things/a", {"count": 1}, headers=kind)
    assert reply.status == 415


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "application/xml", "x", ""])
def test_the_content_type_of_no_body_says_nothing(kind: str) -> None:
    reply = call(api.resolve, "POST", "/things/a", headers={"Content-Type": kind})
    assert (reply.status, fields(reply)) == (400, ["body"])


@pytest.mark.parametrize("name", sorted(event("POST", "/things/a", {"count": 1})))
def test_an_event_that_lacks_a_field_is_no_server_error(name: str) -> None:
    sent = event("POST", "/things/a", {"count": 1})
    assert answer(api.resolve({**sent, name: None}, CONTEXT)).status < 500
    del sent[name]
    assert answer(api.resolve(sent, CONTEXT)).status < 500


@pytest.mark.parametrize("thing", ["a b", "a%20b", "é", "a" * 10_000, "💥", "a%00", "<script>"])
def test_an_odd_id_names_its_field(thing: str) -> None:
    reply = call(api.resolve, "POST", f"/things/{thing}", {"count": 1})
    assert (reply.status, fields(reply)) == (400, ["thing"])
    assert "a" * 100 not in json.dumps(reply.body)


@pytest.mark.parametrize("thing", ["80", "ann-example.com", "ann%2Dexample", "a.b_c~d-e"])
def test_an_id_as_people_write_them_is_taken(thing: str) -> None:
    assert call(api.resolve, "POST", f"/things/{thing}", {"count": 1}).status == 200


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1.5", "", "9" * 5000])
def test_a_bad_limit_is_named(limit: str) -> None:
    reply = call(api.resolve, "GET", "/things", query={"limit": limit})
    assert (reply.status, fields(reply)) == (400, ["limit"])


@pytest.mark.parametrize(
    ("limit", "reason"), [("0", "must be at least 1"), ("101", "must be at most 100")]
)
def test_a_limit_s_bounds_are_told(limit: str, reason: str) -> None:
    reply = call(api.resolve, "GET", "/things", query={"limit": limit})
    assert reply.body["errors"] == [{"field": "limit", "reason": reason}]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("address", "base_path"),
    [
        ("https://a1b2.execute-api.eu-west-1.amazonaws.com/prod", ""),
        ("http://localhost:4566/_aws/execute-api/a1b2/local", ""),
        ("https://api.example.org", ""),
        ("https://api.example.org/things/v1", "/things/v1"),
    ],
)
def test_a_location_is_found_wherever_the_api_is(address: str, base_path: str, slash: str) -> None:
    path = f"/things/a-1/moves{slash}"
    sent = {**event("POST", base_path + path), "resource": "/things/{thing}/moves"}
    reply = answer(api.resolve(sent, CONTEXT))
    assert reply.status == 202
    assert urljoin(address + path, reply.headers["location"]) == f"{address}/tasks/a-1"


def test_an_unknown_route_is_not_found() -> None:
    reply = call(api.resolve, "GET", "/nothing")
    assert (reply.status, reply.headers["content-type"]) == (404, CONTENT_TYPE)


def test_a_wrong_method_says_which_there_are() -> None:
    reply = call(api.resolve, "DELETE", "/things/a")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("how", ["queue", "busy"])
def test_a_service_that_fails_is_503_without_its_words(how: str) -> None:
    reply = call(api.resolve, "GET", f"/broken/{how}")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert "secret" not in json.dumps(reply.body)


def test_what_a_service_would_refuse_again_is_500_and_logged() -> None:
    LOG.truncate(0)
    reply = call(api.resolve, "GET", "/broken/denied")
    assert (reply.status, "retry-after" in reply.headers) == (500, False)
    assert reply.body["detail"] == "The request failed; it has been logged."
    assert "StoreRefused" in LOG.getvalue()


def test_an_unexpected_error_is_500_and_leaks_nothing() -> None:
    LOG.truncate(0)
    reply = call(api.resolve, "GET", "/broken/otherwise")
    assert (reply.status, reply.headers["content-type"]) == (500, CONTENT_TYPE)
    assert set(reply.body) == {"type", "title", "status", "detail"}
    assert "RuntimeError" in LOG.getvalue()
    assert "secret" not in LOG.getvalue() + json.dumps(reply.body)


def test_a_refusal_is_logged_without_the_payload() -> None:
    LOG.truncate(0)
    call(api.resolve, "POST", "/things/a", {"secret": "text"})
    line = json.loads(LOG.getvalue().strip("\0\n"))
    assert (line["message"], line["status"]) == ("request refused", 400)
    assert "secret" not in LOG.getvalue()


def test_a_reason_for_a_long_id_is_short_and_says_the_limit() -> None:
    reply = call(api.resolve, "POST", f"/things/{'a' * 10_000}", {"count": 1})
    assert reply.body["errors"][0]["reason"] == "String should have at most 128 characters"


def test_at_most_twenty_mistakes_are_listed() -> None:
    reply = call(api.resolve, "POST", "/things/a", {"count": 1} | {f"x{n}": 1 for n in range(99)})
    assert len(reply.body["errors"]) == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(body=st.text() | JSON.map(json.dumps) | st.dictionaries(st.text(), JSON).map(json.dumps))
def test_no_body_is_ever_a_server_error(body: str) -> None:
    assert call(api.resolve, "POST", "/things/a", body).status < 500


@given(thing=st.text(min_size=1), limit=st.text())
def test_no_path_or_query_is_ever_a_server_error(thing: str, limit: str) -> None:
    assert call(api.resolve, "POST", f"/things/{thing}", {"count": 1}).status < 500
    assert call(api.resolve, "GET", "/things", query={"limit": limit}).status < 500
