"""How AWS says no: the answers of a table that throttles and of a queue that fails.

Whole requests are refused by a status, single writes of a batch within an answer that is fine.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_BatchResultErrorEntry.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from tests.faults.aws_proxy import Answer, Call

# Whether to refuse one write, one message.
Chance = Callable[[], bool]

_THROTTLED = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
_UNAVAILABLE = "com.amazonaws.sqs#ServiceUnavailable"


def throttled() -> Answer:
    """The answer of a table that has no capacity left."""
    return _answer(HTTPStatus.BAD_REQUEST, {"__type": _THROTTLED, "message": "throttled"})


def unavailable() -> Answer:
    """The answer of a queue that is out of order."""
    return _answer(
        HTTPStatus.SERVICE_UNAVAILABLE, {"__type": _UNAVAILABLE, "message": "unavailable"}
    )


def some_items_unprocessed(call: Call, is_refused: Chance) -> Answer:
    """Pass a `BatchWriteItem` on without the writes that are refused, and say which those are."""
    kept: dict[str, list[Any]] = {}
    refused: dict[str, list[Any]] = {}
    for table, writes in call.parameters["RequestItems"].items():
        for write in writes:
            (refused if is_refused() else kept).setdefault(table, []).append(write)
    if not refused:
        return call.forward()
    answer = call.forward_other({"RequestItems": kept}) if kept else _done({})
    if not answer.is_ok:
        return answer
    left: dict[str, list[Any]] = json.loads(answer.content).get("UnprocessedItems") or {}
    for table, writes in left.items():
        refused.setdefault(table, []).extend(writes)
    return _done({"UnprocessedItems": refused})


def some_statements_throttled(call: Call, is_refused: Chance) -> Answer:
    """Pass a `BatchExecuteStatement` on without the statements that are throttled."""
    statements = call.parameters["Statements"]
    refused = [is_refused() for _ in statements]
    if not any(refused):
        return call.forward()
    kept = [one for one, is_one in zip(statements, refused, strict=True) if not is_one]
    answer = call.forward_other({"Statements": kept}) if kept else _done({"Responses": []})
    if not answer.is_ok:
        return answer
    responses = iter(json.loads(answer.content)["Responses"])
    error = {"Code": "ProvisionedThroughputExceeded", "Message": "throttled"}
    return _done({"Responses": [{"Error": error} if one else next(responses) for one in refused]})


def some_messages_failed(call: Call, is_refused: Chance) -> Answer:
    """Pass a `SendMessageBatch` on without the messages that fail."""
    entries = call.parameters["Entries"]
    refused = [entry for entry in entries if is_refused()]
    if not refused:
        return call.forward()
    kept = [entry for entry in entries if entry not in refused]
    nothing = _done({"Successful": []})
    answer = call.forward_other({**call.parameters, "Entries": kept}) if kept else nothing
    if not answer.is_ok:
        return answer
    failed = [
        {"Id": entry["Id"], "Code": "InternalError", "Message": "failed", "SenderFault": False}
        for entry in refused
    ]
    found = json.loads(answer.content)
    return _done({**found, "Failed": [*found.get("Failed", []), *failed]})


def _done(content: Mapping[str, Any]) -> Answer:
    return _answer(HTTPStatus.OK, content)


def _answer(status: HTTPStatus, content: Mapping[str, Any]) -> Answer:
    return Answer(status.value, "application/x-amz-json-1.0", json.dumps(content).encode())
