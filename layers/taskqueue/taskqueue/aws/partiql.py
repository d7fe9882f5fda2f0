"""PartiQL statements on DynamoDB, many in one request, each with a condition of its own.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.aws.errors import THROTTLING_CODES, store_error, store_errors
from taskqueue.aws.unprocessed import PATIENCE, Patience
from taskqueue.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Statement = dict[str, Any]
Response = dict[str, Any]

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.batching.html
MAX_STATEMENTS = 25
# What a statement answers when the database did as it was told: done, or the condition was false.
ANSWERS = (None, "ConditionalCheckFailed", "DuplicateItem")


class Statements:
    """Runs statements in batches; those that were throttled are tried again."""

    def __init__(self, client: "DynamoDBClient", patience: Patience = PATIENCE) -> None:
        self._client = client
        self._patience = patience

    def execute(self, statements: Sequence[Statement]) -> list[Response]:
        """Run the statements, 25 a request; one that fails says so in its place.

        Raises:
            StoreError, Throttled: a request failed, or each of its statements for another reason
                than its condition.
        """
        responses: list[Response] = []
        for start in range(0, len(statements), MAX_STATEMENTS):
            batch = statements[start : start + MAX_STATEMENTS]
            try:
                responses.extend(self._execute_batch(batch))
            except StoreError as error:
                if not responses:
                    raise
                # What the requests before have done is done.
                responses.extend([failed_response(str(error))] * len(batch))
        return responses

    def _execute_batch(self, statements: Sequence[Statement]) -> list[Response]:
        """Run up to 25 statements; try those again that were throttled one by one."""
        responses: dict[int, Response] = {}

        def run(indexes: Sequence[int]) -> Sequence[int]:
            try:
                answers = self._request([statements[index] for index in indexes])
            except StoreError:
                if not responses:
                    raise
                # What the first request has done is done; the rest stays throttled.
                return ()
            responses.update(zip(indexes, answers, strict=True))
            return [index for index in indexes if _is_throttled(responses[index])]

        self._patience.ask(run, range(len(statements)))
        codes = [statement_error(responses[index]) for index in range(len(statements))]
        if all(code not in ANSWERS for code in codes):
            raise store_error(str(codes[0]))
        return [responses[index] for index in range(len(statements))]

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


def failed_response(code: str) -> Response:
    """Return the answer of a statement whose request failed as a whole."""
    return {"Error": {"Code": code}}


def is_carried_out(response: Response) -> bool:
    """Whether the statement was carried out."""
    return "Error" not in response


def statement_error(response: Response) -> str | None:
    """Return why the statement was not carried out; None when it was."""
    code: str | None = response.get("Error", {}).get("Code")
    return code


def _is_throttled(response: Response) -> bool:
    return statement_error(response) in THROTTLING_CODES
