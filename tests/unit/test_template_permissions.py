"""What the roles of template.yaml may do: what their functions do, and on those resources only.

The local AWS checks most of it when the stack runs there; it does not check PartiQL as AWS does.
"""

import pytest

from tests.support import cloudformation as cfn

# X-Ray has no resources that a policy could name.
_XRAY = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
_RECEIVE = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
}
_CONSUMERS = [cfn.role(function) for function in cfn.consumers()]
_WRITES = ("Put", "Update", "Delete", "Write", "Insert", "Execute")


@pytest.mark.parametrize("role", cfn.ROLES)
def test_a_role_names_its_actions_and_resources(role: str) -> None:
    for statement in cfn.statements(role):
        actions = cfn.listed(statement["Action"])
        assert not any("*" in action for action in actions)
        if "*" in cfn.listed(statement["Resource"]):
            assert set(actions) == _XRAY


@pytest.mark.parametrize("role", cfn.ROLES)
def test_a_role_has_no_policies_from_elsewhere(role: str) -> None:
    assert "ManagedPolicyArns" not in cfn.ROLES[role]


def test_every_function_has_a_role_of_its_own() -> None:
    roles = [cfn.role(function) for function in cfn.FUNCTIONS]

    assert len(set(roles)) == len(cfn.FUNCTIONS)
    assert set(roles) == cfn.ROLES.keys() - {"SchedulerRole"}


@pytest.mark.parametrize(("function", "queue"), [source[:2] for source in cfn.event_sources()])
def test_a_consumer_may_receive_from_its_queue(function: str, queue: str) -> None:
    assert cfn.allowed(cfn.role(function), queue) >= _RECEIVE


@pytest.mark.parametrize("function", cfn.consumers())
def test_a_consumer_may_claim_and_finish_by_partiql(function: str) -> None:
    allowed = cfn.allowed(cfn.role(function), "TasksTable")

    assert allowed >= {"dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"}


@pytest.mark.parametrize("table", ["TasksTable", "NewsTable"])
def test_a_part_of_a_fan_out_may_read_its_news_and_its_task_in_one_request(table: str) -> None:
    role = cfn.role("notificationsFunction")

    assert "dynamodb:BatchGetItem" in cfn.allowed(role, table)


@pytest.mark.parametrize("table", ["TasksTable", "NewsTable"])
def test_the_producer_may_write_news_and_their_task_in_one_request(table: str) -> None:
    # And take both back in one.
    assert cfn.allowed("ProducerRole", table) >= {"dynamodb:PartiQLInsert", "dynamodb:DeleteItem"}


@pytest.mark.parametrize("function", cfn.consumers())
def test_a_consumer_may_reject_messages(function: str) -> None:
    assert "sqs:SendMessage" in cfn.allowed(cfn.role(function), cfn.DEAD_LETTER_QUEUE)


@pytest.mark.parametrize("queue", cfn.WORK_QUEUES)
@pytest.mark.parametrize("role", ["ProducerRole", "BeatRole", "SchedulerRole", *_CONSUMERS])
def test_tasks_may_be_sent_to_every_queue(role: str, queue: str) -> None:
    assert "sqs:SendMessage" in cfn.allowed(role, queue)


@pytest.mark.parametrize("role", ["ProducerRole", *_CONSUMERS])
def test_who_sends_tasks_may_write_their_records_and_delay_them(role: str) -> None:
    assert {"dynamodb:PutItem", "dynamodb:DeleteItem"} <= cfn.allowed(role, "TasksTable")
    actions = {action for one in cfn.statements(role) for action in cfn.listed(one["Action"])}
    assert {"scheduler:CreateSchedule", "iam:PassRole"} <= actions


def test_beat_may_record_tasks_and_write_how_far_it_is_in_batches() -> None:
    records = {f"dynamodb:{action}" for action in ("PartiQLInsert", "GetItem", "DeleteItem")}

    assert cfn.allowed("BeatRole", "TasksTable") >= records
    assert "dynamodb:PartiQLUpdate" in cfn.allowed("BeatRole", "SchedulesTable")


def test_reads_change_nothing() -> None:
    actions = {
        action.partition(":")[2]
        for statement in cfn.statements("QueryRole")
        for action in cfn.listed(statement["Action"])
        if action.startswith(("dynamodb:", "sqs:"))
    }

    assert actions
    assert not [action for action in actions if any(write in action for write in _WRITES)]


def test_only_eventbridge_scheduler_is_given_the_role_that_sends_later() -> None:
    passes = [
        (role, statement)
        for role in cfn.ROLES
        for statement in cfn.statements(role)
        if "iam:PassRole" in cfn.listed(statement["Action"])
    ]

    assert passes
    for _, statement in passes:
        assert statement["Resource"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
        service = {"iam:PassedToService": "scheduler.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": service}
