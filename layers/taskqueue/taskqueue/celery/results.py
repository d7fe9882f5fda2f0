"""Where results go: a backend that keeps what the running task is in, until its run ends.

The worker writes the end then, as the end of any other task. Only states of the task's own
(`update_state`) are written at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from celery import Celery, states
from celery.app.task import Context
from celery.backends.base import KeyValueStoreBackend
from celery.exceptions import BackendStoreError, ChordError
from kombu.exceptions import EncodeError

from taskqueue.celery.chords import add_parts, tasks_of
from taskqueue.celery.current import CeleryRun, Stored, celery_s_turn, current_run
from taskqueue.errors import GiveBack, StoreError
from taskqueue.message import Message
from taskqueue.records.meta import ErrorInfo, with_short_error
from taskqueue.sending.client import current
from taskqueue.worker.outcome import MAX_RESULT_BYTES

if TYPE_CHECKING:
    from taskqueue.records.metas import ResultMetas

# A run that ends in these has its end written by the worker.
_ENDS = states.READY_STATES | {states.RETRY}
# What a failure keeps of its traceback where the whole of it does not fit the record.
_MAX_TRACEBACK_LENGTH = 50_000
# What `result_extended` adds that may be of any size.
_LARGE = ("args", "kwargs", "stamps", "stamped_headers")


class Backend(KeyValueStoreBackend):
    """Celery's result backend on the table of task records."""

    # What a message that comes twice may do is decided by its claim.
    persistent = False
    supports_autoexpire = True
    implements_incr = True

    def __init__(self, app: Celery, metas: "ResultMetas") -> None:
        super().__init__(app)
        # One for all threads: a thread that a task starts would otherwise make the configured one.
        self.thread_safe = True
        self._metas = metas

    def mark_as_done(self, *args: Any, **kwargs: Any) -> None:
        """Keep a result; what follows from it is no longer the task's own."""
        with celery_s_turn():
            super().mark_as_done(*args, **kwargs)

    def mark_as_failure(self, *args: Any, **kwargs: Any) -> None:
        """Keep a failure, and fail the rest of the chain.

        Errbacks are called once the end is written: whom they wake reads the failure, as in Celery.
        """
        with celery_s_turn():
            super().mark_as_failure(*args, **{**kwargs, "call_errbacks": False})

    def call_errbacks(self, request: Context, error: BaseException, traceback: str | None) -> None:
        """Send a failed task's errbacks, or call those that take the request and the error."""
        backend: Any = super()
        backend._call_task_errbacks(request, error, traceback)

    def fail_unrun(self, signatures: Iterable[Mapping[str, Any]], error: Exception) -> None:
        """Write the failure of all tasks of canvases that are not to run; again is harmless."""
        for signature in signatures:
            for task in tasks_of(signature):
                if task_id := (task.get("options") or {}).get("task_id"):
                    self.store_result(task_id, error, states.FAILURE, request=Context(dict(task)))

    def store_result(
        self, task_id: str, result: Any, state: str, *others: Any, **options: Any
    ) -> Any:
        """Keep what a task is in; the body of a chord fails by the error of its part.

        On Redis a client comes upon the part's error first (`celery.result`, follow_parents), with
        DynamoDB upon the body's.
        """
        run = current_run()
        if isinstance(result, ChordError) and not (run and task_id == run.message.id):
            result = result.__cause__ or result
        return super().store_result(task_id, result, state, *others, **options)

    def meta(self, state: str, result: Any, request: Context, traceback: Any = None) -> bytes:
        """Return Celery's result meta of a task; one that is too large is cut, but for its result.

        Raises:
            EncodeError: the result is no JSON, or too large for the record.
        """
        backend: Any = super()
        content = backend._get_result_meta(result, state, traceback, request)
        content["task_id"] = request.id
        encoded = self._encoded(content)
        if len(encoded) > MAX_RESULT_BYTES:
            encoded = self._encoded(_cut(content))
        if len(encoded) > MAX_RESULT_BYTES:
            raise EncodeError(f"the result has more than {MAX_RESULT_BYTES} bytes")
        return encoded

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,
        request: Any = None,
        **_others: Any,
    ) -> Any:
        run = current_run()
        if run is None or task_id != run.message.id:
            _store_of_another(task_id, result, state, request)
            return result
        meta = self.meta(state, result, request, traceback)
        run.stored = Stored(state, meta)
        if state not in _ENDS:
            _tell(run, run.stored)
        return result

    def _fail_chain(
        self, chain: Any, exc: Any, *_others: Any, state: str = states.FAILURE, **_options: Any
    ) -> None:
        """Write the failure of the rest of a chain: Celery leaves out the tasks of its groups."""
        if state in states.PROPAGATE_STATES:
            self.fail_unrun(chain or (), exc)

    def on_chord_part_return(self, *_args: Any, **_kwargs: Any) -> None:
        """Do nothing: a part is told to its chord after its end is written (`chords`)."""

    def add_to_chord(self, chord_id: str, result: Any) -> None:
        """Add a task to the header of a chord, while another of its tasks runs."""
        try:
            add_parts(self._metas, chord_id, result)
        except StoreError as error:
            raise GiveBack(str(error)) from error

    def metas_of(self, results: Sequence[Any]) -> list[Any]:
        """Return Celery's metas of tasks, in one reading."""
        found = self.mget([self.get_key_for_task(result.id) for result in results])
        return [self.decode_result(one) if one else {"status": states.PENDING} for one in found]

    def get(self, key: Any) -> bytes | None:
        """Return what is stored under one of Celery's keys."""
        return self.mget([key])[0]

    def mget(self, keys: Sequence[Any]) -> list[bytes | None]:
        """Return what is stored under each of Celery's keys; None where nothing is."""
        found = self._metas.get_many([str(key) for key in keys])
        return [found.get(str(key)) for key in keys]

    def set(self, key: Any, value: Any) -> None:
        """Store a group's results."""
        self._metas.put(str(key), _bytes(value))

    def delete(self, key: Any) -> None:
        """Remove what is stored under one of Celery's keys."""
        self._metas.delete(str(key))

    def _encoded(self, meta: Any) -> bytes:
        return _bytes(self.encode(meta))


def _cut(meta: dict[str, Any]) -> dict[str, Any]:
    """Return a result meta without what `result_extended` adds, and with a short error."""
    brief = {name: value for name, value in meta.items() if name not in _LARGE}
    if meta["status"] not in states.EXCEPTION_STATES:
        return brief
    traceback = (meta["traceback"] or "")[-_MAX_TRACEBACK_LENGTH:]
    return with_short_error({**brief, "traceback": traceback})


def _tell(run: CeleryRun, stored: Stored) -> None:
    """Write a state of the running task's own, or that it has started."""
    task_id = run.message.id
    try:
        run.store.set_meta(task_id, run.attempt.number, stored.meta)
    except StoreError as error:
        if stored.state == states.STARTED:
            raise GiveBack(str(error)) from error
        raise BackendStoreError(str(error)) from error


def _store_of_another(task_id: str, result: Any, state: str, request: Any) -> None:
    """Write the end of a task that is not to run any more, such as the rest of a chain."""
    if state not in states.PROPAGATE_STATES:
        return
    source = current_run() or current()
    name = getattr(request, "task", None) or ""
    error = ErrorInfo(result["exc_type"], result["exc_message"], result["exc_module"])
    try:
        # One that was to end a task that it replaces has had turns already.
        known = source.store.get(task_id)
        turn = known.turn if known else 0
        source.store.fail(Message(name, task_id, turn=turn), error, source.now_ms())
    except StoreError as failure:
        raise GiveBack(str(failure)) from failure


def _bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else cast("bytes", value)
