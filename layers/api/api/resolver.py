"""The resolver of both APIs: Powertools' own, answering every error with a problem."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from api.bodies import read_object, with_text_body
from api.errors import problem_of, validation_problem
from api.events import whole
from api.problems import CONTENT_TYPE, Problem, failed, not_found
from taskqueue.errors import TaskQueueError


class Api(APIGatewayRestResolver):
    """Routes with checked input; whatever goes wrong is answered with problem+json."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(enable_validation=True, json_body_deserializer=read_object)
        self._log = logger
        self.exception_handler(Problem)(self._refuse)
        self.exception_handler(RequestValidationError)(self._invalid)
        self.exception_handler(TaskQueueError)(self._failed)
        self.exception_handler(NotFoundError)(self._no_route)
        self.exception_handler(Exception)(self._unexpected)

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer the API Gateway event."""
        try:
            answer = super().resolve(with_text_body(whole(event)), context)
            # API Gateway takes null for no body; the local AWS does not.
            return {**answer, "body": answer["body"] or ""}
        except Problem as problem:
            self._log_refusal(problem, event)
            return self._proxy_response(problem)
        except Exception as error:  # noqa: BLE001 - the last resort: a caller gets no stack trace
            return self._proxy_response(self._unexpected_problem(error))

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = "^{}/*$") -> re.Pattern[str]:
        # Powertools' own pattern leaves characters out, so that a bad id would be an unknown route.
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", rule)))

    def _refuse(self, problem: Problem) -> Response[str]:
        self._log_refusal(problem, self.current_event.raw_event)
        return problem.response()

    def _log_refusal(self, problem: Problem, event: Mapping[str, Any]) -> None:
        # Not which fields: the name of an unknown one is the caller's own text.
        route = f"{event.get('httpMethod')} {event.get('resource')}"
        self._log.info("request refused", status=problem.status, reason=problem.detail, route=route)

    def _invalid(self, error: RequestValidationError) -> Response[str]:
        return self._refuse(validation_problem(error.errors()))

    def _failed(self, error: TaskQueueError) -> Response[str]:
        problem = problem_of(error)
        if problem is None:
            return self._unexpected(error)
        if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._refuse(problem)
        self._log.error("request failed", error=type(error).__name__, reason=str(error))
        return problem.response()

    def _no_route(self, _: NotFoundError) -> Response[str]:
        path = self.current_event.path
        routes = self._static_routes + self._dynamic_routes
        allowed = sorted({route.method for route in routes if route.rule.match(path)})
        if not allowed:
            return self._refuse(not_found("There is no such route."))
        return self._refuse(
            Problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                f"This route takes {', '.join(allowed)}.",
                headers={"Allow": ", ".join(allowed)},
            )
        )

    def _unexpected(self, error: Exception) -> Response[str]:
        return self._unexpected_problem(error).response()

    def _unexpected_problem(self, error: Exception) -> Problem:
        # An exception's text may quote the request, so only its type and place are logged.
        self._log.error("unexpected error", error=type(error).__name__, place=_place(error))
        return failed()

    def _proxy_response(self, problem: Problem) -> dict[str, Any]:
        return {
            "statusCode": problem.status.value,
            "headers": {"Content-Type": CONTENT_TYPE, **problem.headers},
            "body": problem.text(),
            "isBase64Encoded": False,
        }


def _place(error: BaseException) -> str:
    """Return file and line of where `error` was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
