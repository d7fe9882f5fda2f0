"""The read side of the API: an API Gateway request in, a record out."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api.resolver import Api
from functions.query import dead_letters, feeds, friends, rankings, schedules, tasks
from functions.query.observing import logger
from taskqueue.lambdas import wiring

api = Api(logger)
for routes in (tasks, feeds, friends, dead_letters, rankings, schedules):
    api.include_router(routes.router)
# Made while the function starts, when Lambda gives it most CPU, and not by its first caller.
wiring.task_store()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return api.resolve(event, context)
