"""What AWS charges, in one table."""

from typing import NamedTuple


class Price(NamedTuple):
    """US dollars for a unit of something, and AWS's page that says so."""

    dollars: float
    page: str


_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_SQS = "https://aws.amazon.com/sqs/pricing/"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"

# Of us-east-1, on demand, without free tiers and discounts for much.
AS_OF = "2026-03"
LAMBDA_GB_SECOND = {
    "x86_64": Price(0.0000166667, _LAMBDA),
    "arm64": Price(0.0000133334, _LAMBDA),
}
LAMBDA_REQUEST = Price(0.20 / 1e6, _LAMBDA)
SQS_REQUEST = Price(0.40 / 1e6, _SQS)
DYNAMODB_WRITE_UNIT = Price(0.625 / 1e6, _DYNAMODB)
DYNAMODB_READ_UNIT = Price(0.125 / 1e6, _DYNAMODB)
DYNAMODB_GB_MONTH = Price(0.25, _DYNAMODB)
CLOUDWATCH_ALARM_MONTH = Price(0.10, _CLOUDWATCH)
