"""What Celery's worker tells of a task that its tracer cannot tell (celery 5.7.0).

That it was received, has expired, has run too long or was rejected:
`celery.worker.request.Request`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from billiard.einfo import ExceptionInfo
from celery import signals, states
from celery.app.trace import task_has_custom

from taskqueue.celery.errbacks import Failure
from taskqueue.celery.prepared import PreparedApp
from taskqueue.celery.request import Request
from taskqueue.worker.execution import NOT_OF_THE_TASK
from taskqueue.worker.log_fields import error_fields

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

# Why a task is not run that has waited for too long.
EXPIRED = "expired"


class Telling:
    """Tells an app's backend, hooks and signals. What a hook raises changes no end."""

    def __init__(self, prepared: PreparedApp, log: "Logger") -> None:
        self._prepared = prepared
        self._log = log

    def received(self, request: Request) -> None:
        """Send `task_received`, if somebody listens."""
        if not signals.task_received.receivers:
            return
        with self._unharmed():
            signals.task_received.send(sender=None, request=request.context())

    def revoked(self, request: Request, reason: str) -> None:
        """Tell of a task that is not run, since it has expired or was revoked."""
        context, task = request.context(), self._prepared.task(request)
        self._prepared.backend.mark_as_revoked(
            request.id, reason, request=context, store_result=self._stores_errors(request)
        )
        with self._unharmed():
            signals.task_revoked.send(
                sender=task,
                request=context,
                terminated=False,
                signum=None,
                expired=reason == EXPIRED,
            )

    def failed(self, request: Request, error: Exception) -> None:
        """Tell of a task that its time limit, or the exit of its process, has ended."""
        task: Any = self._prepared.task(request)
        info = self._marked_as_failure(request, error)
        told = (request.id, request.args, request.kwargs)
        with self._unharmed():
            task.on_failure(error, *told, info)
        if task_has_custom(task, "after_return"):
            with self._unharmed():
                task.after_return(states.FAILURE, error, *told, None)
        self._send_failure(request, error, info)

    def refused(self, request: Request, error: Exception) -> None:
        """Tell of a message that cannot be run, or that its task has rejected for good."""
        self._send_failure(request, error, self._marked_as_failure(request, error))

    def errbacks(self, request: Request, failure: Failure) -> None:
        """Tell a failed task's errbacks. What refuses to send one would do so again."""
        with self._unharmed():
            self._prepared.backend.call_errbacks(
                request.context(), failure.error, failure.traceback
            )

    def _marked_as_failure(self, request: Request, error: Exception) -> ExceptionInfo:
        """Keep the failure, and fail the rest of the chain."""
        self._prepared.backend.mark_as_failure(
            request.id,
            error,
            request=request.context(),
            store_result=self._stores_errors(request),
        )
        try:
            raise error
        except type(error):
            return ExceptionInfo()

    def _send_failure(self, request: Request, error: Exception, info: ExceptionInfo) -> None:
        with self._unharmed():
            signals.task_failure.send(
                sender=self._prepared.task(request),
                task_id=request.id,
                exception=error,
                args=request.args,
                kwargs=request.kwargs,
                traceback=error.__traceback__,
                einfo=info,
            )

    def _stores_errors(self, request: Request) -> bool:
        task = self._prepared.task(request)
        said = request.fields.get("ignore_result")
        ignores = task.ignore_result if said is None else said
        return not ignores or bool(task.store_errors_even_if_ignored)

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        try:
            yield
        except NOT_OF_THE_TASK:
            raise
        except BaseException as error:  # noqa: BLE001 - a hook may raise anything
            self._log.error("a hook of the task failed", extra=error_fields(error))
