"""Whether an alarm looks at what the functions emit.

Metrics are lines of the functions' logs in CloudWatch's embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Mapping
from typing import Any

from tools.local.deployed import Stack


def alarms_of(stack: Stack, metric: str) -> list[dict[str, Any]]:
    """Return the alarms on one of the stack's own metrics."""
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return [dict(alarm) for alarm in alarms if alarm["MetricName"] == metric]


def alarm_of(stack: Stack, metric: str) -> dict[str, Any]:
    """Return the one alarm on that metric."""
    (alarm,) = alarms_of(stack, metric)
    return alarm


def looks_at(alarm: Mapping[str, Any], emitted: Mapping[str, Any]) -> bool:
    """Whether the alarm's metric is among those of a line that a function has logged."""
    named = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    return any(
        published["Namespace"] == alarm["Namespace"]
        and any(metric["Name"] == alarm["MetricName"] for metric in published["Metrics"])
        and any(
            named == {name: emitted[name] for name in names} for names in published["Dimensions"]
        )
        for published in emitted["_aws"]["CloudWatchMetrics"]
    )
