"""Runs the tasks of a Celery app in a unit test, on queues and records in memory.

with in_memory(app) as memory:
    result = add.delay(2, 2)
    memory.work()
    assert result.get() == 4

And canvases of light tasks: `light_in_memory(app)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger
from celery import Celery

from taskqueue.app import App
from taskqueue.celery import logs, signatures
from taskqueue.celery.canvas import Canvas, prepared_canvas
from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.results import Backend
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.sending.canvas import CANVAS_QUEUE
from taskqueue.testing import InMemory
from taskqueue.testing.records import MemoryResultMetas


def in_memory(app: Celery, now_ms: int | None = None) -> InMemory:
    """Return the queues, records and workers of a Celery app. `now_ms`: when its time begins."""
    metas = MemoryResultMetas()
    tasks = CeleryTasks(app, app.conf.task_default_queue)
    logs.install(Logger(service=tasks.name))
    prepared = prepare(app, metas, "celery@memory")
    memory = InMemory(tasks, now_ms, execution=partial(CeleryExecution, prepared=prepared))
    metas.store = memory.store
    app.now = _clock(memory)  # type: ignore[method-assign]
    return memory


def light_in_memory(app: App, now_ms: int | None = None) -> InMemory:
    """Return the queues, records and workers of a light app, with the canvas function."""
    memory = InMemory(app, now_ms)
    metas = MemoryResultMetas(memory.store)
    client: Any = signatures.client()
    client._backend = Backend(client, metas)
    client.now = _clock(memory)
    canvas = Canvas(
        memory.store,
        memory.sender,
        Logger(service="canvas"),
        memory.now_ms,
        memory.work,
        prepared=prepared_canvas(metas, "celery@memory", memory.queues),
    )
    memory.add_queue(CANVAS_QUEUE, _CanvasFunction(canvas))
    return memory


def _clock(memory: InMemory) -> Callable[[], datetime]:
    """Return what Celery reckons a countdown from."""
    return lambda: datetime.fromtimestamp(memory.now_ms() / 1000, UTC)


@dataclass(frozen=True, slots=True)
class _CanvasFunction:
    canvas: Canvas

    def handle(self, event: Mapping[str, Any], context: object) -> Any:  # noqa: ARG002
        for record in event["Records"]:
            self.canvas.follow(record)
        return {"batchItemFailures": []}
