"""The API's own errors on the local AWS.

API Gateway refuses a missing key or an unknown route itself, with the answers that template.yaml
gives it (`GatewayResponses`). ministack 1.5.33 takes an API's routes and keys from the template,
but not these answers, so they are put here; on AWS the template is all it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.local.deployed import Stack


def put_gateway_responses(stack: Stack, built_template: Path) -> None:
    """Give the stack's API the gateway responses of the template that `sam build` wrote."""
    template = yaml.safe_load(built_template.read_text())
    client = stack.client("apigateway")
    api = stack.outputs["ApiId"]
    for response in gateway_responses(template):
        client.put_gateway_response(restApiId=api, **response)
    # They count from the next deployment on.
    client.create_deployment(restApiId=api, stageName=stack.outputs["ApiStage"])


def gateway_responses(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the template's gateway responses as `PutGatewayResponse` takes them."""
    for kind, response in template["Resources"]["Api"]["Properties"]["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        yield {
            "responseType": kind,
            "statusCode": str(response["StatusCode"]),
            "responseParameters": {
                f"gatewayresponse.header.{name}": value for name, value in headers.items()
            },
            "responseTemplates": response["ResponseTemplates"],
        }
