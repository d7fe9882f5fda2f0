"""What a run of a Celery task comes to: pure decisions that the worker then carries out."""

from dataclasses import replace

from taskqueue.celery.current import CeleryRun
from taskqueue.message import REDELIVERED, Message
from taskqueue.records import states
from taskqueue.records.meta import ErrorInfo
from taskqueue.sending.sender import SendAgain
from taskqueue.worker.outcome import End, finish_of, sent_for_next_turn

# How long a message waits that its task has rejected to be delivered again.
REQUEUE_DELAY_MS = 1_000


def ended(
    run: CeleryRun,
    status: str,
    meta: bytes,
    now_ms: int,
    *,
    error: BaseException | None = None,
    dead_letter_reason: str | None = None,
) -> End:
    """Return the end of a run in this state; of one that has sent its task again, with that."""
    info = ErrorInfo.of(error) if error else None
    again = run.again
    if again is None:
        finish = finish_of(run.attempt, status, meta, now_ms)
        return End(status, finish, None, dead_letter_reason, error, info)
    due_ms = again.eta_ms or now_ms
    finish = finish_of(run.attempt, status, meta, now_ms, retries=again.retries, next_due_ms=due_ms)
    return End(status, finish, SendAgain(again, again.encoded or ""), None, error, info)


def replaced(run: CeleryRun, meta: bytes, now_ms: int) -> End:
    """Return the end of a run whose task another will finish, under the same id."""
    if run.again:
        return ended(run, states.RETRY, meta, now_ms)
    finish = finish_of(run.attempt, states.RETRY, meta, now_ms, next_due_ms=now_ms)
    return End(states.RETRY, finish)


def requeued(run: CeleryRun, now_ms: int) -> Message:
    """Return the message of a task that has rejected it, to be delivered again."""
    due_ms, retries = now_ms + REQUEUE_DELAY_MS, run.message.retries
    again = sent_for_next_turn(run.attempt, due_ms, retries, **{REDELIVERED: True})
    return replace(again.message, encoded=again.body)


def exhausted_reason(run: CeleryRun, max_retries: int | None, error: BaseException) -> str | None:
    """Return why a task that has failed is a dead letter; None where its error is an answer."""
    retries = run.message.retries
    if not retries or max_retries is None or retries < max_retries:
        return None
    return f"failed after {retries} retries: {type(error).__name__}: {error}"
