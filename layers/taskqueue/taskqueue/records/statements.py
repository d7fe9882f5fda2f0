"""The PartiQL statements of claims and ends, and what their answers say: no I/O.

Those of a whole batch go in one request: every statement has its own condition and costs one write
unit, where a transaction would cost two and fail as a whole.
"""

from taskqueue.aws.errors import PERMANENT_CODES
from taskqueue.aws.partiql import (
    Response,
    Statement,
    insert_statement,
    is_carried_out,
    statement_error,
)
from taskqueue.message import next_turn
from taskqueue.records import lease
from taskqueue.records.item import (
    Item,
    binary,
    due_ms,
    item_id,
    number,
    read_held,
    started_item,
    string,
)
from taskqueue.records.lease import (
    NEVER_MS,
    Claim,
    Claimed,
    ClaimOutcome,
    Held,
    NotClaimed,
    RecordGone,
    has_had_record,
)
from taskqueue.records.publishes import publish_hash
from taskqueue.records.retention import Retention
from taskqueue.records.store import Finish, Finished

_CLAIM = (
    'UPDATE "{table}" SET "status"=\'STARTED\' SET "attempt"="attempt"+1 SET "lease_until_ms"=?'
    ' SET "started_at_ms"=? SET "holder"=? SET "nonce"=? SET "turn"=? SET "retries"=?'
)
_WAITS = ' WHERE "id"=? AND "turn"<=? AND "lease_until_ms"<=?'
_CLAIM_WAITING = f"{_CLAIM}{_WAITS} RETURNING ALL NEW *"
_CLAIM_PUBLISH = f'{_CLAIM}{_WAITS} AND "publish_id"=? RETURNING ALL NEW *'
# Of a task that has ended, as it was read.
_CLAIM_AGAIN = (
    f'{_CLAIM} SET "returned"=? SET "publish_id"=? SET "earlier_publishes"=? SET "ttl"=?'
    ' WHERE "id"=? AND "turn"=? AND "attempt"=? AND "lease_until_ms"=? RETURNING ALL NEW *'
)
# The lease of a finished task is never over, so that it is not claimed by this either.
_CLAIM_AFTER = (
    f'{_CLAIM} SET "returned"=? WHERE "id"=? AND "turn"<=? AND "lease_until_ms"<? AND "attempt"=?'
    " RETURNING ALL NEW *"
)
# Records had no turn at first, which is to be read as 0.
_CLAIM_WITHOUT_TURN = (
    f'{_CLAIM} WHERE "id"=? AND "turn" IS MISSING AND "lease_until_ms"<=? RETURNING ALL NEW *'
)
_END = (
    'UPDATE "{table}" SET "status"=? SET "result"=? SET "lease_until_ms"=? SET "retries"=?'
    ' SET "turn"=? SET "finished_at_ms"=? SET "ttl"=? SET "returned"="returned"+1'
)
# Of a task that is held, STARTED or PROGRESS, the lease is neither given back nor over for good.
_HELD = ' WHERE "id"=? AND "attempt"=? AND "lease_until_ms">? AND "lease_until_ms"<?'
_FINISH = f"{_END}{_HELD}"
_RETRY = f'{_END} SET "due_at_ms"=?{_HELD}'


def first_claim(table: str, claim: Claim, now_ms: int) -> Statement:
    """Return the statement that claims a task as if it had a record.

    PartiQL's conditions are one or the other: of a task's first turn, that its lease has passed; of
    a retry, that the attempt which sent it is still the last.
    """
    if claim.message.after is None:
        return _claim_waiting(table, claim, now_ms)
    # The attempt that sent the retry has ended in order, whether that is recorded or not.
    after = number(claim.message.after)
    return {
        "Statement": _CLAIM_AFTER.format(table=table),
        "Parameters": [
            *_claim_values(claim, now_ms),
            after,
            *_claim_key(claim),
            number(NEVER_MS),
            after,
        ],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def next_claim(
    table: str, claim: Claim, response: Response, now_ms: int, retention: Retention
) -> Statement | None:
    """Return what to ask next, given the answer to the last; None: its outcome stands."""
    code = statement_error(response)
    if code == "DuplicateItem":
        return _claim_waiting(table, claim, now_ms)
    if code != "ConditionalCheckFailed":
        return None
    item = response["Error"].get("Item")
    if not item and has_had_record(claim.message):
        return None
    if not item:
        # A stock client writes no record.
        return insert_statement(table, started_item(claim, now_ms, retention))
    held = read_held(item)
    if not lease.may_claim(claim, held, now_ms):
        return None
    if lease.runs_again(claim, held):
        return _claim_again(table, claim, held, now_ms, retention)
    if "turn" not in item:
        return _claim_without_turn(table, claim, now_ms)
    return _claim_waiting(table, lease.placed(claim, held), now_ms)


def claim_outcome(claim: Claim, response: Response) -> ClaimOutcome:
    """Return what became of a claim, given the last answer."""
    if is_carried_out(response):
        item = response.get("Item")
        # An insert, which the first claim of a task without a record is, returns no item.
        return lease.claimed(read_held(item)) if item else Claimed(1, claim.message.retries, 0)
    code = str(statement_error(response))
    item = response["Error"].get("Item")
    if code != "ConditionalCheckFailed":
        return NotClaimed(code)
    if not item:
        return RecordGone() if has_had_record(claim.message) else NotClaimed(code)
    return lease.not_claimed(claim, read_held(item))


def finish(table: str, end: Finish, retention: Retention) -> Statement:
    """Return the statement that writes the end of an attempt."""
    if end.next_due_ms is None:
        text, lease_until_ms, turn, due = _FINISH, NEVER_MS, end.turn, []
    else:
        text, lease_until_ms, turn, due = _RETRY, 0, next_turn(end.turn), [number(end.next_due_ms)]
    return {
        "Statement": text.format(table=table),
        "Parameters": [
            string(end.status),
            {"B": end.meta},
            number(lease_until_ms),
            number(end.retries),
            number(turn),
            number(end.at_ms),
            number(retention.of_end(end)),
            *due,
            string(item_id(end.task_id)),
            number(end.attempt),
            number(0),
            number(NEVER_MS),
        ],
    }


def finished(response: Response) -> Finished:
    """Return what became of an end, given its statement's answer."""
    if is_carried_out(response):
        return Finished.WRITTEN
    code = str(statement_error(response))
    if code == "ConditionalCheckFailed":
        return Finished.LOST
    return Finished.REFUSED if code in PERMANENT_CODES else Finished.FAILED


def _claim_waiting(table: str, claim: Claim, now_ms: int) -> Statement:
    """Return the statement of a task that waits; a message that was published is of its publish."""
    text, publish = _CLAIM_WAITING, []
    if claim.message.publish is not None:
        text, publish = _CLAIM_PUBLISH, [binary(publish_hash(claim.message))]
    return {
        "Statement": text.format(table=table),
        "Parameters": [*_claim_values(claim, now_ms), *_claim_key(claim), number(now_ms), *publish],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _claim_again(
    table: str, claim: Claim, held: Held, now_ms: int, retention: Retention
) -> Statement:
    return {
        "Statement": _CLAIM_AGAIN.format(table=table),
        "Parameters": [
            *_claim_values(lease.placed(claim, held), now_ms),
            number(held.attempt),
            binary(publish_hash(claim.message)),
            binary(held.publishes.before_next()),
            number(retention.of_waiting(due_ms(claim.message, now_ms))),
            string(item_id(claim.message.id)),
            number(held.turn),
            number(held.attempt),
            number(NEVER_MS),
        ],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _claim_without_turn(table: str, claim: Claim, now_ms: int) -> Statement:
    return {
        "Statement": _CLAIM_WITHOUT_TURN.format(table=table),
        "Parameters": [
            *_claim_values(claim, now_ms),
            string(item_id(claim.message.id)),
            number(now_ms),
        ],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _claim_values(claim: Claim, now_ms: int) -> list[Item]:
    return [
        number(claim.lease_until_ms),
        number(claim.starts_at_ms(now_ms)),
        string(claim.holder),
        string(claim.nonce),
        number(claim.message.turn),
        number(claim.message.retries),
    ]


def _claim_key(claim: Claim) -> list[Item]:
    return [string(item_id(claim.message.id)), number(claim.message.turn)]
