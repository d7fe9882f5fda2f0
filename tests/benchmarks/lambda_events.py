"""Events as Lambda hands them to a function, and the context beside them."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import aws_lambda_powertools.utilities.typing


class LambdaContext(aws_lambda_powertools.utilities.typing.LambdaContext):
    """What handlers and Powertools read of Lambda's context."""

    _function_name = "benchmark"
    _function_version = "$LATEST"
    _memory_limit_in_mb = 512
    _invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:benchmark"
    _aws_request_id = "00000000-0000-0000-0000-000000000000"
    _log_group_name = "benchmark"
    _log_stream_name = "benchmark"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        """As if each call had the function's whole time."""
        return 60_000


def sqs_event(bodies: Iterable[str], queue_arn: str) -> dict[str, Any]:
    """The event of one batch of messages that were never received before."""
    return {"Records": [_sqs_record(body, queue_arn) for body in bodies]}


def received_event(messages: Iterable[Mapping[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event of messages as SQS's ReceiveMessage returned them."""
    records = [
        {
            **_sqs_record(message["Body"], queue_arn),
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
        }
        for message in messages
    ]
    return {"Records": records}


def api_event(
    method: str, resource: str, parameters: Mapping[str, str], body: Mapping[str, Any]
) -> dict[str, Any]:
    """The event of one request to a REST API with proxy integration."""
    path = resource.format_map(parameters)
    headers = {"Content-Type": "application/json", "Host": "localhost"}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": dict(parameters),
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/local{path}",
            "stage": "local",
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "benchmark"},
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def _sqs_record(body: str, queue_arn: str) -> dict[str, Any]:
    message_id = str(uuid.uuid4())
    now_ms = time.time_ns() // 1_000_000
    return {
        "messageId": message_id,
        "receiptHandle": message_id,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(now_ms),
            "SenderId": "000000000000",
            "ApproximateFirstReceiveTimestamp": str(now_ms),
        },
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": "us-east-1",
    }
