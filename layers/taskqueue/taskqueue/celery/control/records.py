"""The table of task records, as a client reads and writes it to control tasks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from celery.backends.dynamodb import DynamoDBBackend
from celery.exceptions import ImproperlyConfigured

from taskqueue import clock
from taskqueue.celery.control import stamps
from taskqueue.errors import TaskAlreadyStarted, TaskNotFound
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.listing import Listed, tasks_in, tasks_with_ids
from taskqueue.records.metas import DynamoResultMetas
from taskqueue.records.retention import MAX_WAIT_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Records:
    """The records in a table."""

    client: "DynamoDBClient"
    table: str

    @classmethod
    def of(cls, app: Any) -> Self:
        """Return those of the app's result backend.

        Raises:
            ImproperlyConfigured: it is none of DynamoDB.
        """
        backend = app.backend
        if not isinstance(backend, DynamoDBBackend):
            raise ImproperlyConfigured(
                "control needs result_backend = 'dynamodb://@<region>/<the stack's table Tasks>'"
            )
        return cls(backend.client, backend.table_name)

    def in_states(self, statuses: Sequence[str]) -> Iterator[Listed]:
        """Yield the tasks in these states; reads the whole table."""
        return tasks_in(self.client, self.table, statuses, clock.now_ms())

    def with_ids(self, task_ids: Sequence[str]) -> Iterator[Listed]:
        """Yield those of these tasks that have a record."""
        return tasks_with_ids(self.client, self.table, task_ids, clock.now_ms())

    def revoke(self, task_ids: Iterable[str]) -> list[str]:
        """Revoke tasks; return those that have started, and so go on, or have finished."""
        return [task_id for task_id in task_ids if not self._is_revoked(task_id)]

    def revoke_stamps(self, stamped: Mapping[str, Any]) -> None:
        """Revoke the tasks that come with one of these stamps, for as long as they may come."""
        metas = DynamoResultMetas(self.client, self.table, MAX_WAIT_SECONDS)
        for key in stamps.keys_of(stamped):
            metas.put(key, stamps.REVOKED)

    def _is_revoked(self, task_id: str) -> bool:
        store, now_ms = DynamoTaskStore(self.client, self.table, MAX_WAIT_SECONDS), clock.now_ms()
        if store.revoke_unseen(task_id, now_ms):
            return True
        try:
            store.revoke(task_id, now_ms)
        except (TaskAlreadyStarted, TaskNotFound):
            return False
        return True
