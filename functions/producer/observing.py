"""The function's log and metrics: every line has the request's id, and never its payload."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from taskqueue.lambdas.settings import metrics_namespace

logger = Logger(service="producer")
_metrics = Metrics(namespace=metrics_namespace(), service="producer")


def count(metric: str) -> None:
    """Count one more of something."""
    _metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    _metrics.flush_metrics()
