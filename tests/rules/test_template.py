"""AWS's rules that only the template can keep, each with its source."""

import pytest

from tests.support import cloudformation as cfn

DAY_SECONDS = 24 * 60 * 60


@pytest.mark.parametrize("function", cfn.consumers())
def test_a_chain_of_queue_and_function_is_not_ended_after_16_rounds(function: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""
    assert cfn.FUNCTIONS[function]["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize("queue", cfn.WORK_QUEUES)
def test_a_message_is_received_a_thousand_times_at_most(queue: str) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"""
    assert 1 <= cfn.QUEUES[queue]["RedrivePolicy"]["maxReceiveCount"] <= 1_000


@pytest.mark.parametrize("queue", cfn.QUEUES)
def test_a_queue_keeps_messages_for_14_days_and_hides_them_for_12_hours_at_most(queue: str) -> None:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"""
    assert cfn.QUEUES[queue]["MessageRetentionPeriod"] <= 14 * DAY_SECONDS
    assert int(cfn.QUEUES[queue]["VisibilityTimeout"]) <= 12 * 60 * 60


@pytest.mark.parametrize("function", sorted({function for function, _ in cfn.routes().values()}))
def test_a_function_behind_the_api_runs_no_longer_than_the_gateway_waits(function: str) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""
    assert int(cfn.FUNCTIONS[function]["Timeout"]) <= 29


@pytest.mark.parametrize("source", cfn.event_sources(), ids=lambda source: source[1])
def test_an_event_source_runs_between_2_and_1000_functions_at_once(
    source: tuple[str, str, cfn.Node],
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-eventsourcemapping-scalingconfig.html"""
    scaling = source[2].get("ScalingConfig", {})
    assert 2 <= int(scaling.get("MaximumConcurrency", 1_000)) <= 1_000
