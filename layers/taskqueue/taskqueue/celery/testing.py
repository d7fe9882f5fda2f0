"""Runs the tasks of a Celery app in a unit test, on queues and records in memory.

with in_memory(app) as memory:
    result = add.delay(2, 2)
    memory.work()
    assert result.get() == 4
"""

from datetime import UTC, datetime
from functools import partial

from aws_lambda_powertools import Logger
from celery import Celery

from taskqueue.celery import logs
from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.tasks import CeleryTasks
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
    # Celery reckons a countdown from its own now.
    app.now = lambda: datetime.fromtimestamp(memory.now_ms() / 1000, UTC)  # type: ignore[method-assign]
    return memory
