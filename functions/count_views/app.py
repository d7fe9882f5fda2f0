"""The consumer of the views queue: a batch of messages in, a segment of counts out."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from books import stores
from books.consuming import ViewsConsumer
from books.tasks import app, count_views
from taskqueue.lambdas import wiring
from taskqueue.lambdas.settings import metrics_namespace

logger = Logger(service=app.name)
consumer = ViewsConsumer(
    app=app,
    task=count_views,
    store=stores.views,
    dead_letters=wiring.dead_letter_queue(),
    window_minutes=stores.settings().window_minutes,
    logger=logger,
    metrics=Metrics(namespace=metrics_namespace(), service=count_views.queue),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Count one batch of views."""
    return dict(consumer.handle(event))
