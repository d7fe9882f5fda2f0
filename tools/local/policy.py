"""The permissions that the local AWS asks for and AWS does not.

The template grants what AWS checks. ministack 1.5.33 (its core/iam_actions.py) checks some requests
otherwise, so the roles that the template allows them get these statements here, on the local AWS
only, and the template stays AWS's:

- A PartiQL `BatchExecuteStatement` is checked by AWS as `dynamodb:PartiQLInsert`, `PartiQLUpdate` …
  on the table, and by ministack as an action of the request's own name, which AWS does not know.
- A schedule is checked by AWS as one of its group, and by ministack always as one of `default`.
- SQS's batches are checked by AWS as the action for a single message, and by ministack under the
  request's own name.
  https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.local.deployed import Stack

POLICY_NAME = "local-aws"
# By what the names of the allowed actions begin with.
STATEMENTS: dict[str, dict[str, Any]] = {
    "dynamodb:PartiQL": {
        "Effect": "Allow",
        "Action": "dynamodb:BatchExecuteStatement",
        "Resource": "*",
    },
    "scheduler:CreateSchedule": {
        "Effect": "Allow",
        "Action": "scheduler:CreateSchedule",
        "Resource": "arn:aws:scheduler:*:*:schedule/default/*",
    },
    "scheduler:DeleteSchedule": {
        "Effect": "Allow",
        "Action": "scheduler:DeleteSchedule",
        "Resource": "arn:aws:scheduler:*:*:schedule/default/*",
    },
}
# By the action for a single message.
BATCHES = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
}


def grant_local_permissions(stack: Stack) -> None:
    """Give each of the stack's roles those that it lacks on the local AWS."""
    iam = stack.client("iam")
    for role in stack.resources("AWS::IAM::Role").values():
        statements = [s for document in _documents(iam, role) for s in local_statements(document)]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": statements}
            iam.put_role_policy(
                RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(policy)
            )


def local_statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements that belong to a policy document's own on the local AWS."""
    allowed = list(_allowed(document))
    wider = [
        statement
        for beginning, statement in STATEMENTS.items()
        if any(action.startswith(beginning) for action, _ in allowed)
    ]
    batches = [
        {"Effect": "Allow", "Action": BATCHES[action], "Resource": resource}
        for action, resource in allowed
        if action in BATCHES
    ]
    return wider + batches


def _documents(iam: Any, role: str) -> Iterator[Mapping[str, Any]]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        if name != POLICY_NAME:
            yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]


def _allowed(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each action with the resources of its statement."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            yield action, statement.get("Resource", "*")
