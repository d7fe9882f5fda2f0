"""Sends what follows tasks that functions without Celery have ended: light tasks, dead letters.

Celery's tracer does it: it runs a stand-in that returns the task's result, or raises its error, and
so sends the callbacks and the rest of the chain. Chords and errbacks are told as of any other task.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import Celery

from taskqueue.celery.current import current_run, running
from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import PreparedApp, prepare
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.errors import GiveBack, StoreError
from taskqueue.message import Message
from taskqueue.records import states
from taskqueue.sending.canvas import CANVAS_QUEUE, ENDED, is_followed
from taskqueue.worker.delivery import Delivery, read
from taskqueue.worker.outcome import Attempt

if TYPE_CHECKING:
    from taskqueue.records.metas import ResultMetas

_STAND_IN = "taskqueue.ended"


@dataclass(frozen=True, slots=True)
class Canvas(CeleryExecution):
    """Follows the tasks whose messages come to the canvas function's queue."""

    def follow(self, record: Mapping[str, Any]) -> Message:
        """Send what follows the task of a record of the queue; again is harmless.

        Raises:
            PoisonMessage: it is no message of a task that has ended.
            StoreError, SendError: it is not known what is sent.
        """
        delivery = read(record, CeleryTasks(self.prepared.app, CANVAS_QUEUE), CANVAS_QUEUE)
        status = delivery.message.headers.get(ENDED, "")
        if is_followed(delivery.message, status):
            self._trace_ended(delivery, status)
            self.follow_up(delivery, status)
        return delivery.message

    def _trace_ended(self, delivery: Delivery, status: str) -> None:
        if status == states.REVOKED:
            return
        backend = self.prepared.backend
        (meta,) = backend.metas_of([self.prepared.app.AsyncResult(delivery.message.id)])
        if meta["status"] != status:
            raise StoreError("the task's end is not in its record")
        attempt = Attempt(delivery, number=0, retries=0)
        request = self._request(attempt)
        with self._running(attempt), running(self._run(attempt)):
            tracer: Any = self.prepared.app.tasks[_STAND_IN].__trace__
            try:
                tracer(request.id, (meta["result"],), {}, request.fields)
            except GiveBack as error:
                raise StoreError(str(error)) from error


def prepared_canvas(metas: "ResultMetas", hostname: str, queues: Collection[str]) -> PreparedApp:
    """Return an app that knows no tasks: those that it sends are run elsewhere.

    `queues`: the names of the stack's. What names no queue goes to Celery's default one, or, where
    there is none, to the queue of the task that it follows.
    """
    app = Celery("canvas", set_as_current=False)
    if app.conf.task_default_queue not in queues:
        app.conf.task_routes = (_to_the_queue_of_its_task,)
    app.task(name=_STAND_IN, throws=(Exception,))(_end)
    return prepare(app, metas, hostname)


def _end(outcome: Any) -> Any:
    """Return a task's result, or raise its error."""
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _to_the_queue_of_its_task(*_arguments: Any, **_options: Any) -> dict[str, str] | None:
    """Route what follows a task to the queue of the task."""
    run = current_run()
    return {"queue": run.message.queue} if run else None
