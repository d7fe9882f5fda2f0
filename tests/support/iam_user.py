"""A user of the local AWS who may do no more than is said."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tools.local.deployed import Stack


@contextmanager
def iam_user(stack: Stack, permissions: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, str]]:
    """The keys of a user who may take these actions, by the ARN of what they are taken on."""
    iam, name = stack.client("iam"), f"user-{uuid.uuid4().hex}"
    statements = [
        {"Effect": "Allow", "Action": actions, "Resource": arn}
        for arn, actions in permissions.items()
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="user", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="user")
        iam.delete_user(UserName=name)
