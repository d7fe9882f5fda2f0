"""The failure of which errbacks are told: that of the run which has just ended, or the record's."""

import traceback
from typing import TYPE_CHECKING, NamedTuple

from taskqueue.celery.prepared import PreparedApp
from taskqueue.records import states
from taskqueue.records.publishes import number_of_turn
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.outcome import End

if TYPE_CHECKING:
    from taskqueue.records.store import TaskStore


class Failure(NamedTuple):
    """How a task failed. `turn`: the turn in which it did, by which its errbacks have their ids."""

    error: BaseException
    traceback: str | None
    turn: int


def failure_of(delivery: Delivery, end: End) -> Failure | None:
    """Return the failure that has ended a run; None of one that only said FAILURE of itself.

    A task may do so by `update_state` and `Ignore`, and Celery calls no errbacks then.
    """
    if end.cause is None:
        return None
    text = "".join(traceback.format_exception(end.cause))
    return Failure(end.cause, text, delivery.message.turn)


def recorded_failure(
    delivery: Delivery, store: "TaskStore", prepared: PreparedApp
) -> Failure | None:
    """Return the failure in a task's record, if it is of the publish that a message is of.

    Raises:
        StoreError: it cannot be read.
    """
    message = delivery.message
    record = store.get(message.id)
    (meta,) = prepared.backend.metas_of([prepared.app.AsyncResult(message.id)])
    if record is None or meta["status"] != states.FAILURE:
        return None
    if number_of_turn(record.turn) != number_of_turn(message.turn):
        return None
    return Failure(meta["result"], meta.get("traceback"), record.turn)
