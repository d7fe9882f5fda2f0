"""What tasks cost in a month. Pure: rates in, dollars out."""

from collections.abc import Sequence
from typing import NamedTuple

from taskqueue.cli.doctor import prices
from taskqueue.cli.doctor.prices import Price
from taskqueue.records.retention import MAX_WAIT_SECONDS

DAYS = 30
_DAY_SECONDS = 24 * 60 * 60

# Of docs/benchmarks.md, "Writes and requests of a plain task". A stock client's task costs as many
# writes: its first claim finds no record, which DynamoDB bills, too.
WRITE_UNITS_OF_A_TASK = 3
SENDS_OF_A_TASK = 1
# Received, given its time, deleted.
REQUESTS_OF_A_BATCH = 3

# A record that is written in one unit has at most 1 KB.
_RECORD_GB = 1 / 1024**2

# Of an idle queue, too, Lambda takes five batches at a time; each request waits for 20 seconds.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/best-practices-setting-up-long-polling.html
_IDLE_REQUESTS_A_DAY = 5 * _DAY_SECONDS / 20

# Those of template.yaml (docs/decisions.md, "Alarms on symptoms").
ALARMS_OF_A_QUEUE = 4
OTHER_ALARMS = 12


class Rates(NamedTuple):
    """What there is to run, and how. `read_units_per_task`: one for each look at its result."""

    tasks_per_day: float
    seconds_per_task: float
    tasks_per_batch: int
    memory_megabytes: int
    read_units_per_task: float
    architecture: str
    queues: int


class CostLine(NamedTuple):
    """One line of a bill: so many of something in a month."""

    what: str
    amount: float
    price: Price

    @property
    def dollars(self) -> float:
        """What it costs."""
        return self.amount * self.price.dollars


def monthly_cost(rates: Rates) -> Sequence[CostLine]:
    """Return the lines of a month's bill, of 30 days.

    Tasks of a batch run one after the other. Not in it: logs, what tasks themselves ask of AWS,
    their retries, the API, and of what the stack does without tasks all but alarms and idle queues.
    """
    tasks = rates.tasks_per_day * DAYS
    batches = tasks / rates.tasks_per_batch
    requests = tasks * SENDS_OF_A_TASK + batches * REQUESTS_OF_A_BATCH
    gb_seconds = tasks * rates.seconds_per_task * rates.memory_megabytes / 1024
    kept = rates.tasks_per_day * MAX_WAIT_SECONDS / _DAY_SECONDS
    return [
        CostLine("Lambda GB-seconds", gb_seconds, prices.LAMBDA_GB_SECOND[rates.architecture]),
        CostLine("Lambda requests", batches, prices.LAMBDA_REQUEST),
        CostLine("SQS requests", requests, prices.SQS_REQUEST),
        CostLine(
            "SQS requests of idle pollers",
            rates.queues * _IDLE_REQUESTS_A_DAY * DAYS,
            prices.SQS_REQUEST,
        ),
        CostLine("DynamoDB write units", tasks * WRITE_UNITS_OF_A_TASK, prices.DYNAMODB_WRITE_UNIT),
        CostLine(
            "DynamoDB read units", tasks * rates.read_units_per_task, prices.DYNAMODB_READ_UNIT
        ),
        CostLine("DynamoDB GB kept", kept * _RECORD_GB, prices.DYNAMODB_GB_MONTH),
        CostLine(
            "CloudWatch alarms",
            rates.queues * ALARMS_OF_A_QUEUE + OTHER_ALARMS,
            prices.CLOUDWATCH_ALARM_MONTH,
        ),
    ]
