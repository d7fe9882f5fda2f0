"""What the template refuses before anything is made."""

import json
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tools.local.deployed import Stack

OTHER = "taskqueue-other"


@pytest.fixture
def rules(stack: Stack) -> str:
    """A template with the stack's parameters and rules, and nothing that takes long."""
    built = yaml.safe_load((stack.built / "template.yaml").read_text())
    kept = {section: built[section] for section in ("Parameters", "Rules")}
    return json.dumps({**kept, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})


def _plan(stack: Stack, template: str, **parameters: str) -> Any:
    """Ask for the changes that another stack would be."""
    values = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    return stack.client("cloudformation").create_change_set(
        StackName=OTHER,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template,
        Parameters=values,
    )


def test_prod_is_refused_without_an_address_for_its_alarms(stack: Stack, rules: str) -> None:
    with pytest.raises(ClientError, match="ProdHasAnAlarmAddress failed"):
        _plan(stack, rules, Stage="prod")


def test_prod_is_taken_with_an_address(stack: Stack, rules: str) -> None:
    planned = _plan(stack, rules, Stage="prod", AlarmEmail="someone@example.com")

    assert planned["StackId"]
    stack.client("cloudformation").delete_stack(StackName=OTHER)
