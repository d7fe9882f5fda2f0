"""What is answered to each command of remote control (`celery.worker.control`, celery 5.7.0)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from celery.utils.functional import maybe_list
from celery.utils.log import get_logger
from celery.worker.control import Panel as CeleryPanel

from taskqueue import clock
from taskqueue.celery.control.records import Records
from taskqueue.records import states
from taskqueue.records.listing import Listed

_UNENDED = (states.PENDING, states.RETRY, states.STARTED)
_BEGUN = (*sorted(states.FINISHED), states.STARTED, states.PROGRESS, states.RETRY)
_log = get_logger(__name__)
# Commands that ask nothing of a worker but its app.
_CELERY_S: Any = CeleryPanel.data


class Panel:
    """Answers commands for the queues of an app. `nodes`: the queues by their names as nodes."""

    def __init__(self, app: Any, nodes: Mapping[str, str], records: Records) -> None:
        self._app = app
        self._nodes = nodes
        self._records = records
        self._now_ms = clock.now_ms()

    def answers(self, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of each node.

        Raises:
            NotImplementedError: the command would need a worker's process.
            StoreError, Throttled: the table could not be read or written.
        """
        answer: Callable[..., dict[str, Any]] | None = getattr(self, f"_answer_{command}", None)
        if answer is None:
            raise NotImplementedError(f"{command}: no worker runs that could do it")
        return answer(**arguments)

    # ------------------------------------------------------------ what the app itself knows

    def _answer_ping(self) -> dict[str, Any]:
        return self._all({"ok": "pong"})

    def _answer_clock(self) -> dict[str, Any]:
        return self._all({"clock": self._app.clock.forward()})

    def _answer_registered(self, **asked: Any) -> dict[str, Any]:
        return self._all(_CELERY_S["registered"](self._state, **asked))

    def _answer_conf(self, **asked: Any) -> dict[str, Any]:
        return self._all(_CELERY_S["conf"](self._state, **asked))

    def _answer_report(self) -> dict[str, Any]:
        return self._all(_CELERY_S["report"](self._state))

    def _answer_active_queues(self) -> dict[str, Any]:
        queues = self._app.amqp.queues
        return {
            node: [dict(queues[queue].as_dict(recurse=True))] for node, queue in self._nodes.items()
        }

    # ------------------------------------------------------------ what the records say

    def _answer_active(self, **_asked: Any) -> dict[str, Any]:
        return self._listed((states.STARTED,), lambda one: one.is_active(self._now_ms), info_of)

    def _answer_reserved(self) -> dict[str, Any]:
        return self._listed(_UNENDED, lambda one: one.is_waiting(self._now_ms), info_of)

    def _answer_scheduled(self) -> dict[str, Any]:
        return self._listed(
            sorted(states.WAITING), lambda one: one.is_scheduled(self._now_ms), scheduled_of
        )

    def _answer_query_task(self, ids: Any) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {node: {} for node in self._nodes}
        for one in self._records.with_ids(maybe_list(ids) or []):
            node, state = self._node_of(one), self._state_of(one)
            if node and state:
                found[node][one.record.id] = [state, info_of(one, node)]
        return found

    def _answer_revoked(self) -> dict[str, Any]:
        # The queue of one that was revoked before it came is not known.
        return self._all([one.record.id for one in self._records.in_states((states.REVOKED,))])

    def _answer_stats(self) -> dict[str, Any]:
        begun: dict[str, Counter[str]] = {node: Counter() for node in self._nodes}
        for one in self._records.in_states(_BEGUN):
            node = self._node_of(one)
            if node and one.held.attempt:
                begun[node][one.record.task] += 1
        with self._app.connection_or_acquire() as connection:
            broker = connection.info()
            return {
                node: {
                    "broker": broker,
                    "total": dict(begun[node]),
                    "messages": connection.default_channel.queue_declare(
                        queue, passive=True
                    ).message_count,
                }
                for node, queue in self._nodes.items()
            }

    # ------------------------------------------------------------ what is done

    def _answer_revoke(
        self, task_id: Any, terminate: bool = False, signal: Any = None
    ) -> dict[str, Any]:
        del signal
        task_ids = sorted(set(maybe_list(task_id) or []))
        begun = self._records.revoke(task_ids)
        if terminate and begun:
            text = f"not terminated, a task that runs ends by itself or by its time limit: {begun}"
            _log.warning(text)
            return self._all({"error": text})
        return self._all({"ok": f"tasks {set(task_ids)} flagged as revoked"})

    def _answer_terminate(self, task_id: Any, signal: Any = None) -> dict[str, Any]:
        return self._answer_revoke(task_id, terminate=True, signal=signal)

    def _answer_revoke_by_stamped_headers(
        self, headers: Any, terminate: bool = False, signal: Any = None
    ) -> dict[str, Any]:
        del signal
        if isinstance(headers, list):
            headers = dict(header.split("=", 1) for header in headers)
        self._records.revoke_stamps(headers)
        how = "were not terminated" if terminate else "flagged as revoked, but not terminated"
        return self._all({"ok": f"headers {headers} {how}"})

    # ------------------------------------------------------------ how answers are made

    @property
    def _state(self) -> Any:
        """What Celery's own commands take for a worker's state."""
        return SimpleNamespace(app=self._app)

    def _all(self, answer: Any) -> dict[str, Any]:
        return dict.fromkeys(self._nodes, answer)

    def _listed(
        self,
        statuses: Sequence[str],
        is_wanted: Callable[[Listed], bool],
        shown: Callable[[Listed, str], dict[str, Any]],
    ) -> dict[str, Any]:
        found: dict[str, list[dict[str, Any]]] = {node: [] for node in self._nodes}
        for one in self._records.in_states(statuses):
            node = self._node_of(one)
            if node and is_wanted(one):
                found[node].append(shown(one, node))
        return found

    def _node_of(self, one: Listed) -> str | None:
        return next((n for n, queue in self._nodes.items() if queue == one.record.queue), None)

    def _state_of(self, one: Listed) -> str | None:
        if one.is_active(self._now_ms):
            return "active"
        if one.is_scheduled(self._now_ms):
            return "scheduled"
        return "reserved" if one.is_waiting(self._now_ms) else None


def info_of(one: Listed, node: str) -> dict[str, Any]:
    """Return a task in the form of `celery.worker.request.Request.info`.

    `acknowledged`: whether it is claimed, so that no other message of it runs it.
    """
    record = one.record
    is_started = record.status == states.STARTED
    return {
        "id": record.id,
        "name": record.task,
        "args": one.args,
        "kwargs": one.kwargs,
        "type": record.task,
        "hostname": node,
        "time_start": (record.started_at_ms or 0) / 1000 if is_started else None,
        "acknowledged": is_started,
        "delivery_info": {
            "exchange": "",
            "routing_key": record.queue,
            "priority": 0,
            "redelivered": one.is_again,
        },
        "worker_pid": None,
    }


def scheduled_of(one: Listed, node: str) -> dict[str, Any]:
    """Return a task that waits for its time, in Celery's form."""
    due = datetime.fromtimestamp((one.record.due_at_ms or 0) / 1000, UTC)
    return {"eta": due.isoformat(), "priority": 0, "request": info_of(one, node)}
