"""How long one call of AWS may take, its retries and the waits between them included."""

import pytest

from taskqueue.lambdas.clients import (
    CONNECT_TIMEOUT_SECONDS,
    MAX_ATTEMPTS,
    READ_TIMEOUT_SECONDS,
)
from tests.support import cloudformation as cfn

STUCK_SECONDS = MAX_ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS)
# A wait is at most 1, 2, 4, … seconds after an answer that says to slow down.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
WAITS_SECONDS = sum(2**retry for retry in range(MAX_ATTEMPTS - 1))
LONGEST_SECONDS = STUCK_SECONDS + WAITS_SECONDS


@pytest.mark.parametrize("parameter", ["ApiTimeoutSeconds", "ConsumerTimeoutSeconds"])
def test_a_call_ends_within_the_shortest_time_that_a_function_may_have(parameter: str) -> None:
    assert cfn.PARAMETERS[parameter]["MinValue"] > LONGEST_SECONDS


@pytest.mark.parametrize("environment", cfn.ENVIRONMENTS)
@pytest.mark.parametrize("consumer", cfn.consumers())
def test_a_stuck_connection_leaves_most_of_a_batch_s_time(environment: str, consumer: str) -> None:
    functions = cfn.of_type("AWS::Serverless::Function", environment)

    assert int(functions[consumer]["Timeout"]) > 2 * LONGEST_SECONDS
