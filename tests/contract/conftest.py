"""The engines that stores are held to one contract on: moto, and ministack, the local AWS."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from moto import mock_aws

from taskqueue.aws import CONFIG
from tools import ministack
from tools.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENGINES = ("moto", "ministack")


@pytest.fixture
def moto_dynamodb() -> "Iterator[DynamoDBClient]":
    """A client of an empty DynamoDB in this process."""
    with mock_aws():
        yield _client(None)


@pytest.fixture(scope="session")
def ministack_dynamodb(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[DynamoDBClient]":
    """A client of one DynamoDB for all tests, in a local AWS on a port of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tools.ministack.LOCAL", tmp_path_factory.mktemp("ministack"))
        local_aws = ministack.Ministack(free_port())
        local_aws.start()
        try:
            yield _client(local_aws.endpoint_url)
        finally:
            local_aws.stop()


@pytest.fixture(params=ENGINES)
def dynamodb(request: pytest.FixtureRequest) -> "DynamoDBClient":
    """Each engine in its turn. Tables need names of their own: ministack keeps them."""
    return cast("DynamoDBClient", request.getfixturevalue(f"{request.param}_dynamodb"))


def _client(endpoint_url: str | None) -> "DynamoDBClient":
    keys = ministack.credentials()
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint_url,
        region_name=ministack.REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=CONFIG,
    )
