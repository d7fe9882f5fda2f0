"""The function's log: every line has the request's id, and never its payload."""

from aws_lambda_powertools import Logger

logger = Logger(service="producer")
