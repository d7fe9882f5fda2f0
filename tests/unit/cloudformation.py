"""Reads template.yaml as the tests see it: intrinsics as plain mappings, parameters resolved."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
Node = Mapping[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads `!Ref x` as {"Ref": x} and `!GetAtt a.b` as {"Fn::GetAtt": ["a", "b"]}."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)

TEMPLATE: Node = yaml.load((ROOT / "template.yaml").read_text(), _Loader)
RESOURCES: Mapping[str, Node] = TEMPLATE["Resources"]
PARAMETERS: Mapping[str, Node] = TEMPLATE["Parameters"]
SAMCONFIG: Node = tomllib.loads((ROOT / "samconfig.toml").read_text())
ENVIRONMENTS = ("dev", "prod", "local")


def of_type(kind: str) -> dict[str, Node]:
    """The properties of the resources of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
TABLES = of_type("AWS::DynamoDB::Table")
ROLES = of_type("AWS::IAM::Role")
ALARMS = of_type("AWS::CloudWatch::Alarm")
LOG_GROUPS = of_type("AWS::Logs::LogGroup")
DEAD_LETTER_QUEUES = {name for name in QUEUES if name.endswith("DeadLetterQueue")}
WORK_QUEUES = QUEUES.keys() - DEAD_LETTER_QUEUES


def folder(function: str) -> str:
    """The folder in functions/ that the function's handler is in."""
    return str(FUNCTIONS[function]["Handler"]).split(".")[1]


def role(function: str) -> str:
    """The logical id of the function's role."""
    return str(FUNCTIONS[function]["Role"]["Fn::GetAtt"][0])


def consumers() -> list[str]:
    """The functions that run tasks: their handler is made by `taskqueue.lambdas.consumer`."""
    return [
        name
        for name in FUNCTIONS
        if "import consumer" in (ROOT / "functions" / folder(name) / "app.py").read_text()
    ]


def event_sources() -> list[tuple[str, str, Node]]:
    """Function, queue and properties of every event source mapping."""
    return [
        (name, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def routes() -> dict[tuple[str, str], tuple[str, Node]]:
    """Function and properties of every route, by method and path."""
    return {
        (event["Properties"]["Method"], event["Properties"]["Path"]): (name, event["Properties"])
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api"
    }


def overrides(environment: str) -> dict[str, str]:
    """The parameters that samconfig.toml sets for an environment."""
    text = SAMCONFIG[environment]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in text.split())


def number(value: Any, environment: str) -> float:
    """The number that a literal or a `!Ref` to a parameter is in an environment."""
    if isinstance(value, Mapping):
        name = value["Ref"]
        return float(overrides(environment).get(name) or PARAMETERS[name]["Default"])
    return float(value)


def variables(function: str) -> set[str]:
    """The names of the environment variables of a function."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    own = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return {*shared, *own}


def statements(role: str) -> Iterator[tuple[Node, bool]]:
    """Every statement of a role's policies, and whether it is there only when traced."""
    for policy in ROLES[role]["Policies"]:
        is_traced = policy.get("Fn::If", [None])[0] == "IsTraced"
        document = (policy["Fn::If"][1] if is_traced else policy)["PolicyDocument"]
        for statement in document["Statement"]:
            yield statement, is_traced


def listed(value: Any) -> list[Any]:
    """A value that IAM takes alone or in a list, in a list."""
    return value if isinstance(value, list) else [value]


def allowed(role: str, table: str) -> set[str]:
    """The actions that a role may do on a table."""
    arn = {"Fn::GetAtt": [table, "Arn"]}
    return {
        action
        for statement, _ in statements(role)
        if arn in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
