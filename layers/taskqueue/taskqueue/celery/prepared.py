"""A Celery app made ready to run its tasks here: its seams are set, and its tracers built.

What Celery does when a worker and its pool's process start (`celery.apps.worker`,
`celery.concurrency.prefork`, celery 5.7.0).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import Celery, signals
from celery._state import _task_stack  # type: ignore[attr-defined]
from celery.app import trace
from celery.app.control import Control
from celery.app.task import Task
from celery.exceptions import NotRegistered
from celery.result import denied_join_result

from taskqueue.celery import child_ids
from taskqueue.celery.checks.refused import refused
from taskqueue.celery.chords import Chords
from taskqueue.celery.publishing import Amqp
from taskqueue.celery.request import Request
from taskqueue.celery.results import Backend

if TYPE_CHECKING:
    from taskqueue.records.metas import ResultMetas


class _ControlOfNobody(Control):
    """Celery's remote control where no worker listens, and SQS has no queue for what it says.

    A chord that fails revokes the tasks of a body that is a group; these have failed already.
    """

    def broadcast(self, *_arguments: Any, **_options: Any) -> None:
        """Say nothing."""


@dataclass(frozen=True, slots=True)
class PreparedApp:
    """An app whose tasks can be run.

    `hostname`: the worker's name, as tasks see it. `unknown`: what stands for a task that
    the app has not.
    """

    app: Celery
    backend: Backend
    chords: Chords
    hostname: str
    unknown: Task[Any, Any]

    def task(self, request: Request) -> Task[Any, Any]:
        """Return the task of a request; `unknown` where the app has none of its name."""
        task: Task[Any, Any] = self.app.tasks.get(request.fields["task"], self.unknown)
        return task

    def refusal(self, request: Request) -> Exception | None:
        """Return why a request cannot be run, if so."""
        if request.fault:
            return request.fault
        name = request.fields["task"]
        return None if name in self.app.tasks else NotRegistered(name)

    @contextmanager
    def as_parent(self, request: Request) -> Iterator[None]:
        """Let what Celery sends within the body have a task that has ended as its parent."""
        task: Any = self.task(request)
        _task_stack.push(task)
        task.request_stack.push(request.context())
        try:
            yield
        finally:
            task.request_stack.pop()
            _task_stack.pop()

    def trace(self, request: Request) -> Any:
        """Run a task by Celery's tracer, which returns what `celery.app.trace` says."""
        trace_task: Any = self.task(request).__trace__
        # A task that waits for another's result may wait for ever.
        with denied_join_result():
            return trace_task(request.id, request.args, request.kwargs, request.fields)


def prepare(app: Celery, metas: "ResultMetas", hostname: str) -> PreparedApp:
    """Set the seams of an app, and do what Celery's worker does when it starts.

    Raises:
        ValueError: the app is configured for what cannot be run here; the text names the setting.
    """
    _check(app)
    app.amqp = Amqp(app)  # type: ignore[misc]
    if type(app.control) is Control:
        app.control = _ControlOfNobody(app)  # type: ignore[misc]
    backend: Any = Backend(app, metas)
    app._backend = backend  # type: ignore[attr-defined]
    child_ids.install(app)
    trace.setup_worker_optimizations(app, hostname)
    signals.celeryd_init.send(sender=hostname, instance=None, conf=app.conf, options={})
    signals.worker_init.send(sender=None)
    app.loader.init_worker()
    app.loader.init_worker_process()
    _build_tracers(app, hostname)
    signals.worker_process_init.send(sender=hostname)
    return PreparedApp(app, backend, Chords(app, backend, metas), hostname, _unknown_task(app))


def _check(app: Celery) -> None:
    found = refused(app)
    if found:
        raise ValueError("; ".join(map(str, found)))
    # There are no receivers of Celery's events.
    app.conf.task_send_sent_event = False


def _build_tracers(app: Celery, hostname: str) -> None:
    for name, task in app.tasks.items():
        task.__trace__ = trace.build_tracer(name, task, app.loader, hostname, app=app)


def _unknown_task(app: Celery) -> Task[Any, Any]:
    task: Any = type("UnknownTask", (app.Task,), {"name": "unknown"})()
    task.bind(app)
    return task  # type: ignore[no-any-return]
