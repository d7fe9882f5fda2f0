"""What a consumer tells CloudWatch of the tasks of a batch.

Its dimension `service` is the queue's name. An alarm needs no arithmetic to watch the rate of
failed tasks, since each batch sends its own.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

from taskqueue.records import states

if TYPE_CHECKING:
    from aws_lambda_powertools import Metrics

_COUNTS = {
    states.SUCCESS: "TasksSucceeded",
    states.FAILURE: "TasksFailed",
    states.RETRY: "TasksRetried",
    states.REVOKED: "TasksExpired",
    states.IGNORED: "TasksIgnored",
    states.PROGRESS: "TasksDeferred",
}


def send_counts(metrics: "Metrics", statuses: Mapping[str, int]) -> None:
    """Send how many tasks of a batch came to each state, and the percentage that failed."""
    for status, number in statuses.items():
        if number:
            metrics.add_metric(name=_COUNTS[status], unit=MetricUnit.Count, value=number)
    failed = statuses.get(states.FAILURE, 0)
    if ended := failed + statuses.get(states.SUCCESS, 0):
        metrics.add_metric(
            name="TaskFailureRate", unit=MetricUnit.Percent, value=100 * failed / ended
        )
    if any(statuses.values()):
        metrics.flush_metrics()
