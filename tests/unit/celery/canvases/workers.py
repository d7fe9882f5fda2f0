"""The queue of an app's canvases and its workers, in memory; messages come twice, workers die."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger
from celery import Celery

from taskqueue.celery import logs
from taskqueue.celery.execution import CeleryExecution
from taskqueue.celery.prepared import prepare
from taskqueue.celery.tasks import CeleryTasks
from taskqueue.records import states
from taskqueue.records.store import Finish, Finished
from taskqueue.sending.client import TaskClient, using
from taskqueue.sending.sender import Sender
from taskqueue.testing.records import MemoryResultMetas
from taskqueue.worker.worker import Worker
from tests.unit.taskqueue.rig import Died, Rig

_LOGGER = Logger(service="quiet", level="CRITICAL")


class Death(NamedTuple):
    """A worker's death: before or after a call. `percent`: how far into the whole work it is."""

    percent: int
    moment: str


class Workers(Rig):
    """`ends`: how often the end of each task was written."""

    def __init__(self, app: Celery) -> None:
        tasks: Any = CeleryTasks(app, app.conf.task_default_queue)
        super().__init__(tasks, logger=_LOGGER)
        self.celery_app = app
        self.metas = MemoryResultMetas(self.store)
        self.ends: Counter[str] = Counter()
        self.store.finish = self._counted(self.store.finish)  # type: ignore[method-assign]
        logs.install(_LOGGER)
        app.now = lambda: datetime.fromtimestamp(self.now_ms / 1000, UTC)  # type: ignore[method-assign]
        app.set_current()

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        """Let the app send to the queue, within the body."""
        self._prepare()
        sqs: Any = self.broker
        sender = Sender(sqs, self.store, {self.queue.name: self.queue})
        with using(TaskClient(sender, self.store, self.clock)):
            yield

    def worker(self, *others: Any, **options: Any) -> Worker:
        """Return a worker as a new process has it."""
        self.execution = partial(CeleryExecution, prepared=self._prepare())
        return super().worker(*others, **options)

    def work_doubled(self, random: Random, *, has_same_id: bool) -> None:
        """Deliver each message twice; when all is done, each once more, in any order.

        `has_same_id`: SQS delivers one message again; otherwise it was sent again.
        """
        sent: dict[str, Any] = {}

        def double() -> None:
            for message in self.waiting():
                if message.id not in sent:
                    copy = self._put_again(message, has_same_id=has_same_id)
                    sent.update({message.id: message, copy.id: message})

        double()
        while times := [message.visible_at_ms for message in self.waiting()]:
            self.now_ms = max(self.now_ms, min(times))
            self.deliver()
            double()
        late = list(sent.values())
        random.shuffle(late)
        for message in late:
            self._put_again(message, has_same_id=has_same_id).visible_at_ms = self.now_ms
        self.deliver_until_empty()

    def work_with_deaths(self, deaths: Sequence[Death], calls: int) -> None:
        """Let workers die, one after the other. `calls`: how many the work takes."""
        for percent, moment in deaths:
            setattr(self.fuse, moment, len(self.fuse.calls) + calls * percent // 100)
            with contextlib.suppress(Died):
                self.deliver_until_empty()
            self.fuse.mend()
        self.deliver_until_empty()

    def _put_again(self, message: Any, *, has_same_id: bool) -> Any:
        self.send_bodies(message.body)
        copy = self.waiting()[-1]
        copy.visible_at_ms = message.visible_at_ms
        if has_same_id:
            copy.id = message.id
        return copy

    def _prepare(self) -> Any:
        return prepare(self.celery_app, self.fuse.wrap(self.metas), "celery@memory")

    def _counted(self, finish: Callable[[Sequence[Finish]], list[Finished]]) -> Any:
        def counted(ends: Sequence[Finish]) -> list[Finished]:
            became = finish(ends)
            for end, one in zip(ends, became, strict=True):
                if one is Finished.WRITTEN and end.status in states.FINISHED:
                    self.ends[end.task_id] += 1
            return became

        return counted
