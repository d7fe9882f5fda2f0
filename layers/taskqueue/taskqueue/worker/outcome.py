"""How an attempt at a task ends: pure decisions that the worker then carries out."""

from dataclasses import replace
from typing import Any, NamedTuple

from taskqueue import clock
from taskqueue.errors import MaxRetriesExceeded, MessageTooLarge, Retry, SendError, TaskRevoked
from taskqueue.message import next_turn, sent_again
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo, result_meta
from taskqueue.records.store import Finish
from taskqueue.sending.sender import SendAgain
from taskqueue.worker.delivery import Delivery
from taskqueue.worker.retry import RetryLater, decide

# An item of DynamoDB holds 400 KB; the rest of the record needs little.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_RESULT_BYTES = 380_000


class Attempt(NamedTuple):
    """A run of a delivery. `number` is the fencing token; 0 for a task without a record."""

    delivery: Delivery
    number: int
    retries: int


class End(NamedTuple):
    """What to do after an attempt; its message is acknowledged when all of it is done.

    `finish`: the record's last write, None for a task without a record. `again`: the message of the
    task's next turn. `dead_letter_reason`: why it is a dead letter. `cause`: the error that ended
    it, and `error` how the record will show it.
    """

    status: str
    finish: Finish | None
    again: SendAgain | None = None
    dead_letter_reason: str | None = None
    cause: BaseException | None = None
    error: ErrorInfo | None = None


def succeeded(attempt: Attempt, value: Any, now_ms: int) -> End:
    """Return the end of an attempt whose function returned `value`.

    Raises:
        TypeError, ValueError: the value is not JSON, or too large for the record.
    """
    stored = None if _ignores_result(attempt) else value
    meta = result_meta(
        attempt.delivery.message,
        states.SUCCESS,
        result=stored,
        retries=attempt.retries,
        at_ms=now_ms,
    )
    if len(meta) > MAX_RESULT_BYTES:
        raise ValueError(f"the result has more than {MAX_RESULT_BYTES} bytes")
    return End(states.SUCCESS, finish_of(attempt, states.SUCCESS, meta, now_ms))


def continued(attempt: Attempt, now_ms: int) -> End:
    """Return the end of an attempt after which the task goes on in its next turn, at once.

    Raises:
        MessageTooLarge: the next turn's message does not fit its queue.
    """
    again = sent_for_next_turn(attempt, now_ms, attempt.retries)
    message, retries = attempt.delivery.message, attempt.retries
    meta = result_meta(message, states.PROGRESS, retries=retries, at_ms=now_ms)
    finish = finish_of(attempt, states.PROGRESS, meta, now_ms, next_due_ms=now_ms)
    return End(states.PROGRESS, finish, again=again)


def failed(attempt: Attempt, error: BaseException, now_ms: int) -> End:
    """Return the end of an attempt whose function raised `error`: another try, or FAILURE."""
    decision = decide(attempt.delivery.task.options.retry, error, attempt.retries)
    if isinstance(decision, RetryLater):
        return _retry(attempt, _cause(error) or error, decision.delay_seconds, now_ms)
    cause = _cause(error) or _exhausted(attempt) if isinstance(error, Retry) else error
    return failed_for_good(attempt, cause, now_ms, is_exhausted=decision.exhausted)


def failed_for_good(
    attempt: Attempt, cause: BaseException, now_ms: int, *, is_exhausted: bool = False
) -> End:
    """Return the end of an attempt that is FAILURE. `is_exhausted`: it was retried too often."""
    info = _error_info(attempt, cause)
    meta = result_meta(
        attempt.delivery.message,
        states.FAILURE,
        error=info,
        retries=attempt.retries,
        at_ms=now_ms,
    )
    # Without a record, a failure would be told nowhere but in the log. A part's is told to its
    # group by burial.
    is_part = attempt.delivery.message.part is not None
    kept = is_exhausted or attempt.number == 0 or is_part
    reason = f"failed after {attempt.retries} retries: {info.title}"
    return End(
        states.FAILURE,
        finish_of(attempt, states.FAILURE, meta, now_ms),
        dead_letter_reason=reason if kept else None,
        cause=cause,
        error=info,
    )


def expired(attempt: Attempt, now_ms: int) -> End:
    """Return the end of a task that waited beyond its `expires`; Celery revokes it."""
    message, error = attempt.delivery.message, ErrorInfo.of(TaskRevoked("expired"))
    meta = result_meta(message, states.REVOKED, error=error, at_ms=now_ms)
    return End(
        states.REVOKED,
        finish_of(attempt, states.REVOKED, meta, now_ms),
        dead_letter_reason="expired" if message.part else None,
        error=error,
    )


def refused(attempt: Attempt, error: SendError, now_ms: int) -> End:
    """Return the end of a task whose next turn AWS refuses to send, however often it is asked."""
    return failed_for_good(attempt, error, now_ms, is_exhausted=True)


def _retry(attempt: Attempt, cause: BaseException, delay_seconds: float, now_ms: int) -> End:
    delivery, due_at_ms = attempt.delivery, now_ms + round(delay_seconds * 1000)
    retries = attempt.retries + 1
    try:
        again = sent_for_next_turn(attempt, due_at_ms, retries)
    except MessageTooLarge:
        return failed_for_good(attempt, cause, now_ms, is_exhausted=True)
    info = _error_info(attempt, cause)
    meta = result_meta(delivery.message, states.RETRY, error=info, retries=retries, at_ms=now_ms)
    finish = finish_of(attempt, states.RETRY, meta, now_ms, retries=retries, next_due_ms=due_at_ms)
    return End(states.RETRY, finish, again=again, cause=cause, error=info)


def sent_for_next_turn(attempt: Attempt, due_at_ms: int, retries: int, **headers: Any) -> SendAgain:
    """Return the message by which an attempt has its task run again, in its next turn.

    `headers`: those that the message has beside its own.

    Raises:
        MessageTooLarge: it does not fit its queue.
    """
    message = attempt.delivery.message
    turn = next_turn(message.turn)
    body = sent_again(
        attempt.delivery.body,
        turn=turn,
        after=attempt.number,
        retries=retries,
        eta=clock.iso(due_at_ms),
        **headers,
    )
    changed = replace(message, turn=turn, after=attempt.number, retries=retries, eta_ms=due_at_ms)
    return SendAgain(changed, body)


def _error_info(attempt: Attempt, error: BaseException) -> ErrorInfo:
    """Return what record and dead letter show of an error."""
    info = ErrorInfo.of(error)
    return info._replace(args=()) if attempt.delivery.task.options.hide_errors else info


def _cause(error: BaseException) -> BaseException | None:
    """Return the error for which a task asked to be retried, if it named one."""
    return error.cause if isinstance(error, Retry) else None


def _exhausted(attempt: Attempt) -> MaxRetriesExceeded:
    name = attempt.delivery.task.name
    return MaxRetriesExceeded(f"{name} asked to be run again after {attempt.retries} retries")


def finish_of(
    attempt: Attempt,
    status: str,
    meta: bytes,
    now_ms: int,
    *,
    retries: int | None = None,
    next_due_ms: int | None = None,
) -> Finish | None:
    """Return the record's last write after an attempt; None for a task without a record."""
    if attempt.number == 0:
        return None
    message = attempt.delivery.message
    return Finish(
        task_id=message.id,
        attempt=attempt.number,
        turn=message.turn,
        status=status,
        meta=meta,
        retries=attempt.retries if retries is None else retries,
        at_ms=now_ms,
        due_ms=message.eta_ms,
        next_due_ms=next_due_ms,
    )


def _ignores_result(attempt: Attempt) -> bool:
    delivery = attempt.delivery
    return delivery.message.ignore_result or delivery.task.options.ignore_result
