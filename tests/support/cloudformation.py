"""template.yaml as the SAM CLI expands it: loops done, rows and parameters resolved."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.expansion import expand

ROOT = Path(__file__).parents[2]
STACK = "stack"
# The part of the stack's id that is in names.
STACK_ID = "1a2b3c4d"
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{STACK}/{STACK_ID}-5e6f",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
# So that no condition leaves anything out.
_EVERYTHING = {"AccessLogs": "true", "AlarmEmail": "someone@example.com", "Tracing": "Active"}
Node = Mapping[str, Any]

SAMCONFIG: Node = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = ("dev", "prod", "local")


def overrides(environment: str) -> dict[str, str]:
    """The parameters that samconfig.toml sets for an environment."""
    text = SAMCONFIG[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in text.split())


@functools.cache
def expanded(environment: str) -> Node:
    """The template with an environment's parameters."""
    return expand(ROOT / "template.yaml", _PSEUDO_PARAMETERS | overrides(environment) | _EVERYTHING)


TEMPLATE = expanded("prod")
RESOURCES: Mapping[str, Node] = TEMPLATE["Resources"]
PARAMETERS: Mapping[str, Node] = TEMPLATE["Parameters"]


def of_type(kind: str, environment: str = "prod") -> dict[str, Node]:
    """The properties of the resources of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in expanded(environment)["Resources"].items()
        if resource["Type"] == kind
    }


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
_OWN_QUEUES = ("canvas", "notifications", "rankings", "views")
# Those that a user of the project has added to it.
USERS_QUEUES = QUEUES.keys() - {"DeadLetterQueue", *(f"{name}Queue" for name in _OWN_QUEUES)}
TABLES = of_type("AWS::DynamoDB::Table")
ROLES = of_type("AWS::IAM::Role")
POLICIES = of_type("AWS::IAM::Policy")
ALARMS = of_type("AWS::CloudWatch::Alarm")
LOG_GROUPS = of_type("AWS::Logs::LogGroup")
DEAD_LETTER_QUEUE = "DeadLetterQueue"
WORK_QUEUES = sorted(QUEUES.keys() - {DEAD_LETTER_QUEUE})
VARIABLES: Node = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]


def folder(function: str) -> str:
    """The folder in functions/ that the function's handler is in."""
    return str(FUNCTIONS[function]["Handler"]).split(".")[1]


def role(function: str) -> str:
    """The logical id of the function's role."""
    return str(FUNCTIONS[function]["Role"]["Fn::GetAtt"][0])


def event_sources(environment: str = "prod") -> list[tuple[str, str, Node]]:
    """Function, queue and properties of every event source mapping."""
    return [
        (name, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"])
        for name, function in of_type("AWS::Serverless::Function", environment).items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def consumers() -> list[str]:
    """The functions of the queues that tasks are sent to."""
    return [function for function, queue, _ in event_sources() if queue in WORK_QUEUES]


def routes() -> dict[tuple[str, str], tuple[str, Node]]:
    """Function and properties of every route, by method and path."""
    return {
        (event["Properties"]["Method"], event["Properties"]["Path"]): (name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api"
    }


def variables(function: str) -> set[str]:
    """The names of the environment variables of a function."""
    own = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return {*VARIABLES, *own}


def documents(role: str) -> list[Node]:
    """The documents of a role's policies: its own, and those that are attached to it."""
    attached = [policy for policy in POLICIES.values() if {"Ref": role} in policy["Roles"]]
    return [policy["PolicyDocument"] for policy in (*ROLES[role].get("Policies", ()), *attached)]


def statements(role: str) -> Iterator[Node]:
    """Every statement of a role's policies."""
    for document in documents(role):
        yield from document["Statement"]


def listed(value: Any) -> list[Any]:
    """A value that IAM takes alone or in a list, in a list."""
    return value if isinstance(value, list) else [value]


def allowed(role: str, resource: str) -> set[str]:
    """The actions that a role may do on a resource, such as a table."""
    arn = {"Fn::GetAtt": [resource, "Arn"]}
    return {
        action
        for statement in statements(role)
        if arn in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
