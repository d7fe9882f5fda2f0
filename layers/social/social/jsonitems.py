"""Batch writes whose items are written as JSON at once.

botocore walks every value of a request against its service model, in Python: for a BatchWriteItem
of 25 small items that is more than a tenth of the CPU of the whole call. Items of strings and
numbers are JSON as they stand, so the request's body is made by `json` and put in by two of
botocore's events; signing, sending, retries and errors stay botocore's.
https://docs.aws.amazon.com/boto3/latest/guide/events.html
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONTEXT = "social_json_items"


class JsonItems(dict[str, Any]):
    """`RequestItems` without binary values, whose low-level form is their JSON form.

    For clients that `write_as_json` was told of, and no others.
    """


def write_as_json(client: "DynamoDBClient") -> None:
    """Make `client` send `JsonItems` without walking them; may be told again."""
    for event, handler in (("before-parameter-build", _take), ("before-call", _put_in)):
        client.meta.events.register(
            f"{event}.dynamodb.BatchWriteItem", handler, unique_id=f"{_CONTEXT}.{event}"
        )


def _take(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    items = params["RequestItems"]
    if isinstance(items, JsonItems):
        context[_CONTEXT] = items
        # The endpoint is chosen by the names of the tables, which therefore stay.
        params["RequestItems"] = {table: [{}] for table in items}


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    items = context.pop(_CONTEXT, None)
    if items is not None:
        params["body"] = json.dumps({"RequestItems": items}, separators=(",", ":")).encode()
