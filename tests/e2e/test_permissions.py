"""Each function may do what it needs, and nothing beside it."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tools.local.deployed import Stack
from tools.local.ministack import REGION

FRIENDSHIP = {"user_id": {"S": "nobody"}, "friend_id": {"S": "no-one"}}
DENIED = {"AccessDenied", "AccessDeniedException"}

ALLOWED = [
    ("notificationsRole", "query_friends"),
    ("notificationsRole", "get_news"),
    ("notificationsRole", "send"),
    ("notificationsRole", "schedule"),
    ("viewsRole", "send"),
    ("rankingsRole", "delete_task"),
    ("ProducerRole", "delete_friend"),
    ("ProducerRole", "send"),
    ("QueryRole", "query_friends"),
    ("QueryRole", "query_feeds"),
    ("QueryRole", "get_task"),
    ("DeadLettersRole", "receive_dead_letter"),
]
REFUSED = [
    ("notificationsRole", "delete_friend"),
    ("notificationsRole", "query_feeds"),
    ("notificationsRole", "scan_tasks"),
    ("viewsRole", "get_news"),
    ("notificationsRole", "receive_dead_letter"),
    ("notificationsRole", "list_schedules"),
    ("ProducerRole", "query_friends"),
    ("ProducerRole", "query_feeds"),
    ("ProducerRole", "receive"),
    ("ProducerRole", "scan_tasks"),
    ("QueryRole", "delete_friend"),
    ("QueryRole", "delete_task"),
    ("QueryRole", "send"),
    ("QueryRole", "receive"),
    ("DeadLettersRole", "send"),
    ("DeadLettersRole", "receive"),
    ("DeadLettersRole", "query_friends"),
    ("DeadLettersRole", "delete_task"),
]


@pytest.mark.parametrize(("role", "deed"), ALLOWED)
def test_a_function_may_do_what_it_needs(role: str, deed: str, stack: Stack) -> None:
    assert _refusal(stack, role, deed) not in DENIED


@pytest.mark.parametrize(("role", "deed"), REFUSED)
def test_a_function_may_not_do_what_it_does_not_need(role: str, deed: str, stack: Stack) -> None:
    assert _refusal(stack, role, deed) in DENIED


def _refusal(stack: Stack, role: str, deed: str) -> str | None:
    """Do it as the role; return the code of the error, if there is one."""
    service, operation, arguments = _deeds(stack)[deed]
    client = _client_of(stack, stack.resources("AWS::IAM::Role")[role], service)
    try:
        getattr(client, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def _deeds(stack: Stack) -> dict[str, tuple[str, str, dict[str, Any]]]:
    friends, feeds = stack.outputs["FriendsTable"], stack.outputs["FeedsTable"]
    tasks, news = stack.outputs["TasksTable"], stack.outputs["NewsTable"]
    queue = stack.outputs["notificationsQueueUrl"]
    dead_letters = stack.outputs["DeadLetterQueueUrl"]
    nobodys = {
        "KeyConditionExpression": "user_id = :user",
        "ExpressionAttributeValues": {":user": {"S": "nobody"}},
    }
    no_task = {"id": {"S": "none"}}
    # Refused as invalid, but only of someone who may send at all.
    invalid = {"MessageBody": "\x01"}
    seen = {"VisibilityTimeout": 0}
    return {
        "query_friends": ("dynamodb", "query", {"TableName": friends, **nobodys}),
        "delete_friend": ("dynamodb", "delete_item", {"TableName": friends, "Key": FRIENDSHIP}),
        "query_feeds": ("dynamodb", "query", {"TableName": feeds, **nobodys}),
        "get_task": ("dynamodb", "get_item", {"TableName": tasks, "Key": no_task}),
        "delete_task": ("dynamodb", "delete_item", {"TableName": tasks, "Key": no_task}),
        "scan_tasks": ("dynamodb", "scan", {"TableName": tasks}),
        "get_news": ("dynamodb", "get_item", {"TableName": news, "Key": {"news_id": {"S": "0"}}}),
        "send": ("sqs", "send_message", {"QueueUrl": queue, **invalid}),
        "receive": ("sqs", "receive_message", {"QueueUrl": queue, **seen}),
        "receive_dead_letter": ("sqs", "receive_message", {"QueueUrl": dead_letters, **seen}),
        "schedule": ("scheduler", "create_schedule", _schedule(stack)),
        "list_schedules": ("scheduler", "list_schedules", {}),
    }


def _schedule(stack: Stack) -> dict[str, Any]:
    """A schedule that is refused as invalid, but only of someone who may make one at all."""
    role = stack.resources("AWS::IAM::Role")["SchedulerRole"]
    return {
        "Name": "none",
        "GroupName": stack.outputs["ScheduleGroup"],
        "ScheduleExpression": "never",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": "arn:aws:sqs:us-east-1:000000000000:none",
            "RoleArn": stack.client("iam").get_role(RoleName=role)["Role"]["Arn"],
        },
    }


def _client_of(stack: Stack, role: str, service: str) -> Any:
    arn = stack.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    answer = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="permissions")
    keys = answer["Credentials"]
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=stack.endpoint_url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
