"""What a month costs, by examples that were reckoned by hand."""

import re

import pytest

from taskqueue.cli.doctor import monthly_cost, prices
from taskqueue.cli.doctor.monthly_cost import Rates
from tests.support import cloudformation as cfn
from tools.paths import ROOT

ALONE = Rates(
    tasks_per_day=100_000,
    seconds_per_task=0.1,
    tasks_per_batch=1,
    memory_megabytes=512,
    read_units_per_task=1,
    architecture="x86_64",
    queues=1,
)


def bill(rates: Rates) -> dict[str, tuple[float, float]]:
    lines = monthly_cost.monthly_cost(rates)
    return {line.what: (round(line.amount, 2), round(line.dollars, 2)) for line in lines}


def test_three_million_tasks_each_alone_in_its_batch() -> None:
    assert bill(ALONE) == {
        "Lambda GB-seconds": (150_000, 2.50),
        "Lambda requests": (3_000_000, 0.60),
        "SQS requests": (12_000_000, 4.80),
        "SQS requests of idle pollers": (648_000, 0.26),
        "DynamoDB write units": (9_000_000, 5.63),
        "DynamoDB read units": (3_000_000, 0.38),
        "DynamoDB GB kept": (1.43, 0.36),
        "CloudWatch alarms": (16, 1.60),
    }


def test_full_batches_save_requests_and_arm_saves_time() -> None:
    found = bill(ALONE._replace(tasks_per_batch=10, architecture="arm64"))
    assert found["Lambda GB-seconds"] == (150_000, 2.00)
    assert found["Lambda requests"] == (300_000, 0.06)
    assert found["SQS requests"] == (3_900_000, 1.56)


def test_a_stack_without_tasks_costs_its_alarms_and_its_idle_queues() -> None:
    found = bill(ALONE._replace(tasks_per_day=0, queues=3))
    assert {what: dollars for what, (_, dollars) in found.items() if dollars} == {
        "SQS requests of idle pollers": 0.78,
        "CloudWatch alarms": 2.40,
    }


def test_the_requests_of_a_task_are_those_that_were_measured() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    section = page.partition("## Writes and requests of a plain task\n")[2].partition("\n## ")[0]
    (writes,) = re.findall(r"\| write units \| (\d+) \|", section)
    (sends,) = re.findall(r"(\d+) sqs SendMessage", section)
    assert int(writes) == monthly_cost.WRITE_UNITS_OF_A_TASK
    assert int(sends) == monthly_cost.SENDS_OF_A_TASK


def test_the_alarms_are_the_template_s() -> None:
    alarms = cfn.of_type("AWS::CloudWatch::Alarm", "dev")
    queues = len(cfn.WORK_QUEUES)
    assert len(alarms) == (queues * monthly_cost.ALARMS_OF_A_QUEUE + monthly_cost.OTHER_ALARMS)


@pytest.mark.parametrize("price", [*prices.LAMBDA_GB_SECOND.values(), prices.SQS_REQUEST])
def test_a_price_names_aws_s_page(price: prices.Price) -> None:
    assert price.page.startswith("https://aws.amazon.com/")
