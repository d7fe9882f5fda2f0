"""A handle of a task's result: what it is now, or what it will be."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from taskqueue import errors
from taskqueue.errors import (
    NoResult,
    ResultExpired,
    TaskFailed,
    TaskNotFound,
    TaskRevoked,
)
from taskqueue.records import states
from taskqueue.records.meta import CELERY_ERRORS

if TYPE_CHECKING:
    from taskqueue.records.meta import ErrorInfo
    from taskqueue.records.record import TaskRecord
    from taskqueue.sending.client import TaskClient

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Result[R]:
    """The result of the task `id`, as Celery's AsyncResult. A task that is idempotent has none."""

    id: str
    _client: "TaskClient" = field(repr=False)

    @property
    def state(self) -> str:
        """The task's state now, one of `taskqueue.records.states`.

        Raises:
            TaskNotFound: there is no task of that id.
            StoreError: the state could not be read.
        """
        return self._record().status

    @property
    def status(self) -> str:
        """The same as `state`, as in Celery."""
        return self.state

    def ready(self) -> bool:
        """Return whether the task has finished, well or not.

        Raises:
            TaskNotFound, StoreError: as `state` does.
        """
        return self._record().finished

    def successful(self) -> bool:
        """Return whether the task has finished well.

        Raises:
            TaskNotFound, StoreError: as `state` does.
        """
        return self.state == states.SUCCESS

    def failed(self) -> bool:
        """Return whether the task has failed; one that was revoked has not, as in Celery.

        Raises:
            TaskNotFound, StoreError: as `state` does.
        """
        return self.state == states.FAILURE

    def get(self, timeout: float | None = None, interval: float = POLL_SECONDS) -> R:
        """Wait until the task has finished; return its result or raise its error.

        `timeout`: the seconds to wait at most, without end if None; 0 looks once. `interval`: the
        seconds between two looks, each of which reads the record.

        Raises:
            TimeoutError: it has not finished in that time.
            TaskRevoked: it was revoked, or has expired.
            ResultExpired: it finished longer ago than results are kept.
            TaskFailed: it failed with an error whose class is not known in this process.
            RuntimeError: a task asks: one that waits for another can wait for ever.
            TaskNotFound, StoreError: as `state` does.
        """
        if self._client.parent is not None:
            raise RuntimeError("a task must not wait for another one's result")
        end = None if timeout is None else self._client.now_ms() + timeout * 1000
        while not (record := self._record()).finished:
            if end is not None and self._client.now_ms() >= end:
                raise TimeoutError(f"the task is {record.status} after {timeout:g} seconds")
            self._client.sleep(interval)
        if record.status == states.SUCCESS and not record.is_result_gone:
            return cast("R", record.result)
        raise error_of(record)

    def _record(self) -> "TaskRecord":
        record = self._client.store.get(self.id)
        if record is None:
            raise TaskNotFound
        return record


def error_of(record: "TaskRecord") -> BaseException:
    """Return the error of a task that has finished without a result."""
    if record.status == states.REVOKED:
        return TaskRevoked(record.error.message if record.error else None)
    if record.is_result_gone:
        return ResultExpired()
    if record.error is None:
        return NoResult(f"the task is {record.status}")
    return _exception(record.error)


def _exception(error: "ErrorInfo") -> BaseException:
    """Return the task's own exception, where its class is loaded in this process."""
    kind = _class_of(error)
    # What is no `Exception`, such as SystemExit, would end the process that asks.
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return TaskFailed(error.title)
    # Without its __init__, which may make another text of what it is given.
    exception = kind.__new__(kind, *error.args)
    exception.args = tuple(error.args)
    return exception


def _class_of(error: "ErrorInfo") -> object:
    """Return the class that an error names; one of Celery's is what stands for it here."""
    if error.module == CELERY_ERRORS and error.type in errors.STANDING_FOR_CELERY:
        return errors.STANDING_FOR_CELERY[error.type]
    return getattr(sys.modules.get(error.module), error.type, None)
