"""The write side of the API: an API Gateway request in, a change and its answer out."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.resolver import Api
from functions.producer import (
    dead_letters,
    friends,
    idempotency,
    news,
    schedules,
    tasks,
    views,
)
from functions.producer.observing import logger
from taskqueue.lambdas import wiring

api = Api(logger)
api.use([idempotency.honour])
for routes in (tasks, news, friends, dead_letters, views, schedules):
    api.include_router(routes.router)
# Made while the function starts, when Lambda gives it most CPU, and not by its first caller.
wiring.sender()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return api.resolve(event, context)
