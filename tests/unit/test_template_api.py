"""What template.yaml promises of the API: its routes, keys, bodies, errors and sample events."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from api.problems import CONTENT_TYPE, FieldError, Problem
from functions.producer import models, views
from taskqueue.beat.schedule import definition, parse
from tests.support import cloudformation as cfn

API = cfn.RESOURCES["Api"]["Properties"]
EVENTS = sorted((cfn.ROOT / "events").glob("*/*.json"))
# The function reads a schedule by hand; its models are the others.
_MODELS: dict[str, type[BaseModel]] = {
    "TaskCall": models.TaskCall,
    "NewsPost": models.NewsPost,
    "Views": views.Views,
}
_ROUTE = re.compile(r'^@router\.(get|post|put|delete)\("([^"]+)"', re.MULTILINE)
_VARIABLE = re.compile(r"<\w+>|\{\w+\}")


def _shape(path: str) -> str:
    """A path with its variables' names left out: they differ between gateway and function."""
    return _VARIABLE.sub("{}", path)


def _implemented() -> set[tuple[str, str, str]]:
    return {
        (module.parent.name, method.upper(), _shape(path))
        for module in (cfn.ROOT / "functions").glob("*/*.py")
        for method, path in _ROUTE.findall(module.read_text())
    }


def _sent(event: Path) -> Any:
    return json.loads(event.read_text())


def test_the_gateway_has_the_routes_of_the_functions() -> None:
    deployed = {
        (cfn.folder(function), method, _shape(path))
        for (method, path), (function, _) in cfn.routes().items()
    }

    assert deployed == _implemented()


def test_one_path_has_one_name_for_its_variable() -> None:
    # API Gateway refuses a second name at the same place.
    names: dict[str, set[str]] = {}
    for _, path in cfn.routes():
        parts = path.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                names.setdefault(_shape("/".join(parts[:index])), set()).add(part)

    assert all(len(variables) == 1 for variables in names.values())


def test_reads_go_to_the_query_function_and_writes_to_the_producer() -> None:
    for (method, _), (function, _) in cfn.routes().items():
        assert function == ("QueryFunction" if method == "GET" else "ProducerFunction")


def test_every_route_asks_for_a_key() -> None:
    assert API["Auth"] == {"ApiKeyRequired": True}
    for _, properties in cfn.routes().values():
        assert "Auth" not in properties


@pytest.mark.parametrize("name", _MODELS)
def test_the_gateway_knows_the_fields_that_the_function_knows(name: str) -> None:
    schema, model = API["Models"][name], _MODELS[name]

    assert schema["properties"].keys() == model.model_fields.keys()
    assert schema["additionalProperties"] is False
    required = [field for field, info in model.model_fields.items() if info.is_required()]
    assert schema.get("required", []) == required


def test_the_gateway_knows_the_fields_of_one_view() -> None:
    schema = API["Models"]["Views"]["properties"]["views"]["items"]

    assert schema["properties"].keys() == views.OneOfViews.model_fields.keys()
    assert schema["required"] == ["book"]
    assert schema["additionalProperties"] is False


def test_the_gateway_knows_the_fields_of_a_schedule() -> None:
    bodies = (
        {"task": "x", "interval_seconds": 100, "paused": True},
        {"task": "x", "crontab": "0 7 * * *", "time_zone": "Europe/London", "misfire": "skip"},
        {"task": "x", "at": "2027-01-01T00:00:00+00:00", "args": [1], "kwargs": {"a": 1}},
    )

    schema = API["Models"]["Schedule"]
    known = {field for body in bodies for field in definition(parse("x", body))}
    assert schema["properties"].keys() == known
    assert schema["required"] == ["task"]
    assert schema["additionalProperties"] is False


def test_every_model_is_checked_on_a_route() -> None:
    requests = [properties.get("RequestModel") for _, properties in cfn.routes().values()]

    checked = {request["Model"] for request in requests if request}
    assert checked == API["Models"].keys()
    assert all(request["ValidateBody"] is True for request in requests if request)


@pytest.mark.parametrize("kind", API["GatewayResponses"])
def test_the_gateway_s_own_errors_look_like_the_functions(kind: str) -> None:
    response = API["GatewayResponses"][kind]

    headers = response["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == f"'{CONTENT_TYPE}'"
    template = response["ResponseTemplates"]["application/json"]
    said = json.loads(template.replace("$context.error.messageString", '"Forbidden"'))
    errors = [FieldError(**error) for error in said.get("errors", [])]
    status = HTTPStatus(response["StatusCode"])
    assert said == Problem(status, said["detail"], errors=errors).body()


# All but three that are a 500, as the default is.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
_TYPES = {
    *("ACCESS_DENIED", "BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "DEFAULT_4XX", "DEFAULT_5XX"),
    *("EXPIRED_TOKEN", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "INVALID_API_KEY"),
    *("INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN", "QUOTA_EXCEEDED", "REQUEST_TOO_LARGE"),
    *("RESOURCE_NOT_FOUND", "THROTTLED", "UNAUTHORIZED", "UNSUPPORTED_MEDIA_TYPE", "WAF_FILTERED"),
}


def test_every_error_of_the_gateway_has_its_status() -> None:
    assert API["GatewayResponses"].keys() == _TYPES


@pytest.mark.parametrize("function", cfn.FUNCTIONS)
def test_every_function_has_a_sample_event(function: str) -> None:
    assert [event for event in EVENTS if event.parent.name == cfn.folder(function)]


def test_every_route_has_a_sample_event() -> None:
    sent = [_sent(event) for event in EVENTS]

    sampled = {(e["httpMethod"], e["resource"]) for e in sent if "httpMethod" in e}
    assert sampled == cfn.routes().keys()


@pytest.mark.parametrize("function", sorted({source[0] for source in cfn.event_sources()}))
def test_sample_messages_come_from_the_function_s_queues(function: str) -> None:
    queues = {
        cfn.QUEUES[queue]["QueueName"].replace(cfn.STACK, "taskqueue-dev")
        for name, queue, _ in cfn.event_sources()
        if name == function
    }

    for event in EVENTS:
        if event.parent.name == cfn.folder(function):
            arns = {record["eventSourceARN"] for record in _sent(event)["Records"]}
            assert {arn.rpartition(":")[2] for arn in arns} <= queues
