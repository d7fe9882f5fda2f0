"""PartiQL statements on DynamoDB, many in one request, each with a condition of its own.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import THROTTLING_CODES, store_error, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Statement = dict[str, Any]
Response = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html
MAX_STATEMENTS = 25
MAX_TRIES = 4
# What a statement answers when the database did as it was told: done, or the condition was false.
ANSWERS = (None, "ConditionalCheckFailed", "DuplicateItem")


class Statements:
    """Runs statements in batches; `sleep` waits between tries of those that were throttled."""

    def __init__(
        self, client: "DynamoDBClient", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._sleep = sleep

    def execute(self, statements: Sequence[Statement]) -> list[Response]:
        """Run the statements, 25 a request; one that fails says so in its place.

        Raises:
            StoreError, Throttled: a request failed, or each of its statements for another reason
                than its condition.
        """
        responses: list[Response] = []
        for start in range(0, len(statements), MAX_STATEMENTS):
            responses.extend(self._execute_batch(statements[start : start + MAX_STATEMENTS]))
        return responses

    def _execute_batch(self, statements: Sequence[Statement]) -> list[Response]:
        """Run up to 25 statements; try those again that were throttled one by one."""
        responses = self._request(statements)
        for tried in range(MAX_TRIES - 1):
            throttled = [index for index, entry in enumerate(responses) if _is_throttled(entry)]
            if not throttled:
                break
            self._sleep(random.uniform(0, 0.1 * 2**tried))
            again = self._request([statements[index] for index in throttled])
            for index, entry in zip(throttled, again, strict=True):
                responses[index] = entry
        codes = [statement_error(entry) for entry in responses]
        if all(code not in ANSWERS for code in codes):
            raise store_error(str(codes[0]))
        return responses

    def _request(self, statements: Sequence[Statement]) -> list[Response]:
        with store_errors():
            response = self._client.batch_execute_statement(Statements=list(statements))  # type: ignore[arg-type]
        return [dict(entry) for entry in response["Responses"]]


def insert_statement(table: str, item: dict[str, Any]) -> Statement:
    """Return the PartiQL statement, with its parameters, that writes a new item.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
    """
    values = ", ".join(f"'{attribute}': ?" for attribute in item)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{values}}}',
        "Parameters": list(item.values()),
    }


def succeeded(response: Response) -> bool:
    """Whether the statement was carried out."""
    return "Error" not in response


def statement_error(response: Response) -> str | None:
    """Return why the statement was not carried out; None when it was."""
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _is_throttled(response: Response) -> bool:
    return statement_error(response) in THROTTLING_CODES
