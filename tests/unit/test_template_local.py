"""What the local AWS gets beside the template, derived from it."""

from tests.support import cloudformation as cfn
from tools.local.gateway import gateway_responses
from tools.local.policy import STATEMENTS, local_statements


def test_every_gateway_response_is_put() -> None:
    put = {response["responseType"]: response for response in gateway_responses(cfn.TEMPLATE)}

    assert put.keys() == cfn.RESOURCES["Api"]["Properties"]["GatewayResponses"].keys()
    assert put["THROTTLED"]["statusCode"] == "429"
    assert put["THROTTLED"]["responseParameters"] == {
        "gatewayresponse.header.Content-Type": "'application/problem+json'",
        "gatewayresponse.header.Retry-After": "'1'",
    }


def test_those_who_send_get_what_only_the_local_aws_asks_for() -> None:
    given = {
        role: [
            statement
            for document in cfn.documents(role)
            for statement in local_statements(document)
        ]
        for role in cfn.ROLES
    }

    consumers = {cfn.role(function) for function in cfn.consumers()}
    partiql, schedules = STATEMENTS["dynamodb:PartiQL"], STATEMENTS["scheduler:CreateSchedule"]
    assert {role for role, statements in given.items() if partiql in statements} == {
        *consumers,
        "ProducerRole",
        "BeatRole",
    }
    assert {role for role, statements in given.items() if schedules in statements} == {
        *consumers,
        "ProducerRole",
    }
    assert given["QueryRole"] == []


def test_a_policy_of_one_statement_is_read_as_one_of_many() -> None:
    document = {"Statement": {"Effect": "Allow", "Action": "dynamodb:PartiQLUpdate"}}

    assert local_statements(document) == [STATEMENTS["dynamodb:PartiQL"]]
