"""What Celery logs while a task runs, by this project's rule: an error's type and its places.

Celery's own lines quote the error's text, arguments and source. A task's own error is not logged
here a second time: the worker tells of it when its run has ended.
"""

import logging
import warnings
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.app import trace
from celery.backends import base
from celery.utils.dispatch import signal

from taskqueue.worker.log_fields import error_fields

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

_MODULES = (trace, base, signal)
# What the tracer adds to a line about the error of a task (`TraceInfo._log_error`, celery 5.7.0).
_OF_A_TASK = "data"


class ErrorLog(logging.Handler):
    """Tells a worker's log of what hooks, errbacks and receivers of signals raise."""

    def __init__(self, log: "Logger") -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log the error of a line of Celery's."""
        error = record.exc_info[1] if record.exc_info else None
        if error and not hasattr(record, _OF_A_TASK):
            self._log.error("a hook of the task failed", extra=error_fields(error))


def install(log: "Logger") -> None:
    """Let Celery's lines about errors go to a worker's log."""
    handler = ErrorLog(log)
    for module in _MODULES:
        module.logger.handlers, module.logger.propagate = [handler], False
        module.logger.setLevel(logging.WARNING)
    signals.task_internal_error.connect(_outside_of_function)
    # The same error once more, with all of its traceback (`trace.report_internal_error`).
    warnings.filterwarnings("ignore", "Exception raised outside body", RuntimeWarning)


def _outside_of_function(exception: Exception, **_others: Any) -> None:
    """Log what was raised in a task's run, and not by its function."""
    trace.logger.error("outside of the function", exc_info=exception)
