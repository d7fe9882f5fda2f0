"""The one permission that the local AWS asks for and AWS does not.

AWS checks a PartiQL `BatchExecuteStatement` as `dynamodb:PartiQLInsert`, `PartiQLUpdate` … on the
table, and that is what the template grants. ministack 1.5.33 checks an action of the request's own
name on the resource `*` (its core/iam_actions.py), which AWS does not know. So the roles that the
template grants PartiQL get it here, on the local AWS only, and the template stays AWS's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tools.deployed import Stack

POLICY_NAME = "local-aws-partiql"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dynamodb:BatchExecuteStatement", "Resource": "*"}],
}


def grant_partiql_batches(stack: Stack) -> list[str]:
    """Give it to each of the stack's roles that may use PartiQL; returns their names."""
    iam = stack.client("iam")
    roles = [role for role in stack.resources("AWS::IAM::Role").values() if _may(iam, role)]
    for role in roles:
        iam.put_role_policy(
            RoleName=role, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(POLICY)
        )
    return roles


def _may(iam: Any, role: str) -> bool:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = (
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
    )
    return any(allows_partiql(document) for document in documents)


def allows_partiql(document: Mapping[str, Any]) -> bool:
    """Whether a policy document has an action `dynamodb:PartiQL…`."""
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        actions = statement.get("Action", [])
        for action in actions if isinstance(actions, list) else [actions]:
            if action.startswith("dynamodb:PartiQL"):
                return True
    return False
