"""A deployed stack: what it is made of, and clients for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.errors import ToolError
from tools.local.ministack import REGION, Ministack, client_environ, credentials


@dataclass(frozen=True)
class Stack:
    """The project's stack on the local AWS.

    Attributes:
        name: of the CloudFormation stack.
        port: of the local AWS on 127.0.0.1.
        outputs: the template's outputs by name, for example `TasksTable`.
        api_url: where the API answers; paths such as `/tasks/{id}` follow. By a path and not by a
            host name of the API's own, since not every program can resolve names below
            `localhost`: Python, on most machines, cannot.
        api_key: the value for the header `x-api-key`.
    """

    name: str
    port: int
    outputs: Mapping[str, str]
    api_url: str
    api_key: str

    @property
    def endpoint_url(self) -> str:
        """The address of the local AWS."""
        return Ministack(self.port).endpoint_url

    @property
    def built(self) -> Path:
        """What it was deployed from: the artefacts and their template.yaml."""
        return Ministack(self.port).built

    def client(self, service: str) -> Any:
        """A boto3 client of `service` with the local AWS's administrator's credentials."""
        return make_client(service, self.endpoint_url)

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` for a program that is to use this stack's AWS."""
        return client_environ(environ, self.endpoint_url)

    def resources(self, kind: str) -> dict[str, str]:
        """Physical ids by logical id of the resources of `kind`, such as `AWS::IAM::Role`."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == kind
        }


def make_client(service: str, endpoint_url: str) -> Any:
    """A boto3 client of `service` at `endpoint_url` with the administrator's credentials."""
    known = credentials()
    # Its stubs want the service's name as a literal.
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
    )


def read_stack(name: str, ministack: Ministack) -> Stack:
    """The stack `name` as it is deployed on `ministack`.

    Raises:
        ToolError: it is not deployed there, or lacks an output that is read here.
    """
    try:
        cloudformation = make_client("cloudformation", ministack.endpoint_url)
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        outputs = outputs_by_name(found["Outputs"])
        key = make_client("apigateway", ministack.endpoint_url).get_api_key(
            apiKey=outputs["ApiKeyId"], includeValue=True
        )
        url = api_url(ministack.endpoint_url, outputs["ApiId"], outputs["ApiStage"])
    except (BotoCoreError, ClientError) as error:
        raise ToolError(f"no stack {name} runs on port {ministack.port}: `make run`") from error
    except KeyError as error:
        raise ToolError(f"the stack {name} has no output {error}") from error
    return Stack(name, ministack.port, outputs, url, key["value"])


def outputs_by_name(outputs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """CloudFormation's list of outputs as a mapping."""
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def api_url(endpoint_url: str, api_id: str, stage: str) -> str:
    """Where the local AWS serves an API, by a path."""
    return f"{endpoint_url}/_aws/execute-api/{api_id}/{stage}"
