"""The routes of one resource."""

from aws_lambda_powertools.event_handler.router import APIGatewayRouter


class Router(APIGatewayRouter):
    """Powertools' router, with a type."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
