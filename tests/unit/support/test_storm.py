"""What a storm makes of the calls of functions."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.faults.aws_proxy import Answer, Call
from tests.faults.storm import Rates, Storm, tables_of

QUIET = Rates(copied=0, redelivered=0, throttled=0, unsent=0, unanswered=0, outage=0)
LETTERS = "https://sqs/dead-letters"


class _Call(Call):
    """A call that succeeds, and remembers what the service was asked for."""

    def __init__(self, target: str, parameters: dict[str, Any], answer: dict[str, Any]) -> None:
        super().__init__(
            "worker", 0, "/", {"X-Amz-Target": target}, json.dumps(parameters).encode()
        )
        asked: list[dict[str, Any]] = []
        object.__setattr__(self, "asked", asked)
        object.__setattr__(self, "answer", answer)

    asked: list[dict[str, Any]]
    answer: dict[str, Any]

    def forward(self) -> Answer:
        return self.forward_other(self.parameters)

    def forward_other(self, parameters: Any) -> Answer:
        self.asked.append(parameters)
        responses: list[dict[str, Any]] = [{} for _ in parameters.get("Statements", ())]
        content = {**self.answer, **({"Responses": responses} if responses else {})}
        return Answer(200, "application/json", json.dumps(content).encode())


class _Sqs:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.visible: list[str] = []

    def send_message(self, **request: Any) -> None:
        self.sent.append(request)

    def change_message_visibility(self, **request: Any) -> None:
        assert request["VisibilityTimeout"] == 0
        self.visible.append(request["ReceiptHandle"])


def _storm(rates: Rates, sqs: _Sqs | None = None, seed: int = 1) -> Storm:
    storm = Storm(sqs or _Sqs(), LETTERS, seed, rates)
    storm.begin()
    return storm


def _puts(number: int) -> dict[str, Any]:
    return {"RequestItems": {"feeds": [{"PutRequest": {"Item": n}} for n in range(number)]}}


def _send(queue: str = "https://sqs/work", **entry: Any) -> _Call:
    parameters = {"QueueUrl": queue, "MessageBody": "body", **entry}
    return _Call("AmazonSQS.SendMessage", parameters, {})


def test_a_write_of_a_batch_is_either_made_or_said_to_be_unprocessed() -> None:
    storm = _storm(Rates(**{**vars(QUIET), "throttled": 0.5}))
    call = _Call("DynamoDB_20120810.BatchWriteItem", _puts(25), {"UnprocessedItems": {}})
    answer = storm(call)
    assert answer is not None
    left = json.loads(answer.content)["UnprocessedItems"]["feeds"]
    (asked,) = call.asked
    made = asked["RequestItems"]["feeds"]
    assert left
    assert made
    assert sorted(one["PutRequest"]["Item"] for one in made + left) == list(range(25))


def test_what_the_service_itself_left_stays_unprocessed() -> None:
    storm = _storm(Rates(**{**vars(QUIET), "throttled": 0.5}))
    left_by_service = {"UnprocessedItems": {"feeds": ["left"]}}
    answer = storm(_Call("DynamoDB_20120810.BatchWriteItem", _puts(25), left_by_service))
    assert answer is not None
    assert "left" in json.loads(answer.content)["UnprocessedItems"]["feeds"]


def test_a_statement_is_either_run_or_throttled_in_its_place() -> None:
    statements = [{"Statement": f'UPDATE "tasks" SET n={n}'} for n in range(10)]
    storm = _storm(Rates(**{**vars(QUIET), "throttled": 0.5}))
    call = _Call("DynamoDB_20120810.BatchExecuteStatement", {"Statements": statements}, {})
    answer = storm(call)
    assert answer is not None
    errors = ["Error" in one for one in json.loads(answer.content)["Responses"]]
    assert len(errors) == len(statements)
    expected = [one for one, is_error in zip(statements, errors, strict=True) if not is_error]
    assert call.asked == [{"Statements": expected}]


def test_a_message_of_a_batch_is_either_sent_or_failed() -> None:
    entries = [{"Id": str(n), "MessageBody": "body"} for n in range(10)]
    parameters = {"QueueUrl": "https://sqs/work", "Entries": entries}
    call = _Call("AmazonSQS.SendMessageBatch", parameters, {"Successful": []})
    answer = _storm(Rates(**{**vars(QUIET), "unsent": 0.5}))(call)
    assert answer is not None
    failed = {one["Id"] for one in json.loads(answer.content)["Failed"]}
    (asked,) = call.asked
    assert failed | {one["Id"] for one in asked["Entries"]} == {str(n) for n in range(10)}
    assert len(failed) + len(asked["Entries"]) == len(entries)


def test_a_message_is_copied_with_all_that_belongs_to_it_but_no_dead_letter() -> None:
    sqs = _Sqs()
    storm = _storm(Rates(**{**vars(QUIET), "copied": 1}), sqs)
    storm(_send(MessageGroupId="author"))
    storm(_send(LETTERS))
    (copy,) = sqs.sent
    assert (copy["MessageBody"], copy["MessageGroupId"]) == ("body", "author")


def test_a_message_that_a_worker_has_just_received_comes_again() -> None:
    sqs = _Sqs()
    parameters = {"QueueUrl": "https://sqs/work", "Entries": [{"Id": "0", "ReceiptHandle": "r"}]}
    call = _Call("AmazonSQS.ChangeMessageVisibilityBatch", parameters, {})
    _storm(Rates(**{**vars(QUIET), "redelivered": 1}), sqs)(call)
    assert sqs.visible == ["r"]


@pytest.mark.parametrize(
    ("target", "rates", "status"),
    [
        ("DynamoDB_20120810.PutItem", {"throttled": 1}, 400),
        ("DynamoDB_20120810.GetItem", {"outage": 1}, 400),
        ("AmazonSQS.SendMessage", {"unsent": 1}, 503),
        ("AmazonSQS.DeleteMessage", {"outage": 1}, 503),
    ],
)
def test_a_request_that_is_refused_reaches_no_service(
    target: str, rates: dict[str, float], status: int
) -> None:
    call = _Call(target, {"TableName": "tasks", "QueueUrl": "https://sqs/work"}, {})
    answer = _storm(Rates(**{**vars(QUIET), **rates}))(call)
    assert answer is not None
    assert (answer.status, call.asked) == (status, [])


def test_a_lost_answer_is_of_a_request_that_was_carried_out() -> None:
    call = _send()
    assert _storm(Rates(**{**vars(QUIET), "unanswered": 1}))(call) is None
    assert call.asked


def test_a_seed_draws_the_same_again_and_before_and_after_all_passes() -> None:
    def copied(seed: int) -> list[int]:
        sqs = _Sqs()
        storm = _storm(Rates(**{**vars(QUIET), "copied": 0.3}), sqs, seed)
        numbers = []
        for number in range(200):
            before = len(sqs.sent)
            storm(_send())
            if len(sqs.sent) > before:
                numbers.append(number)
        storm.end()
        storm(_send())
        assert storm.counts == Counter({"messages sent": 200, "copied": len(numbers)})
        return numbers

    assert copied(1) == copied(1) != copied(2)
    assert 40 < len(copied(1)) < 80


def test_the_tables_of_a_request_are_found_wherever_it_names_them() -> None:
    request = {
        "TransactItems": [{"Put": {"TableName": "a"}}, {"Delete": {"TableName": "b"}}],
        "Statements": [{"Statement": "INSERT INTO \"c\" VALUE {'id': ?}"}],
        "RequestItems": {"d": []},
        "TableName": "e",
    }
    assert sorted(tables_of(request)) == ["a", "b", "c", "d", "e"]
