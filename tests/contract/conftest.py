"""The engines that stores are held to one contract on: moto, and ministack, the local AWS."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import boto3
import pytest
from moto import mock_aws

from taskqueue.lambdas.clients import CONFIG
from tools.local import ministack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

ENGINES = ("moto", "ministack")


@pytest.fixture
def moto_dynamodb() -> "Iterator[DynamoDBClient]":
    """A client of an empty DynamoDB in this process."""
    with mock_aws():
        yield _client("dynamodb", None)


@pytest.fixture
def moto_sqs() -> "Iterator[SQSClient]":
    """A client of an empty SQS in this process."""
    with mock_aws():
        yield _client("sqs", None)


@pytest.fixture(scope="session")
def ministack_dynamodb(ministack_url: str) -> "DynamoDBClient":
    """A client of one DynamoDB for all tests."""
    return _client("dynamodb", ministack_url)


@pytest.fixture(scope="session")
def ministack_sqs(ministack_url: str) -> "SQSClient":
    """A client of one SQS for all tests."""
    return _client("sqs", ministack_url)


@pytest.fixture(params=ENGINES)
def dynamodb(request: pytest.FixtureRequest) -> "DynamoDBClient":
    """Each engine in its turn. Tables need names of their own: ministack keeps them."""
    return cast("DynamoDBClient", request.getfixturevalue(f"{request.param}_dynamodb"))


@overload
def _client(service: Literal["dynamodb"], endpoint_url: str | None) -> "DynamoDBClient": ...
@overload
def _client(service: Literal["sqs"], endpoint_url: str | None) -> "SQSClient": ...
def _client(service: Literal["dynamodb", "sqs"], endpoint_url: str | None) -> Any:
    keys = ministack.credentials()
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=ministack.REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=CONFIG,
    )
