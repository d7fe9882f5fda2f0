"""The PartiQL statements of claims and ends, and what their answers say: no I/O.

Those of a whole batch go in one request: every statement has its own condition and costs one write
unit, where a transaction would cost two and fail as a whole.
"""

from taskqueue.aws.partiql import (
    ANSWERS,
    Response,
    Statement,
    insert_statement,
    is_carried_out,
    statement_error,
)
from taskqueue.records.claim import (
    NEVER_MS,
    AlreadyFinished,
    Claim,
    Claimed,
    ClaimOutcome,
    Leased,
    NotClaimed,
)
from taskqueue.records.item import Item, item_id, number, read_int, started_item, string
from taskqueue.records.retention import Retention
from taskqueue.records.store import Finish

_CLAIM = (
    'UPDATE "{table}" SET "status"=\'STARTED\' SET "attempt"="attempt"+1 SET "lease_until_ms"=?'
    ' SET "started_at_ms"=?'
    ' WHERE "id"=? AND "lease_until_ms"<=? RETURNING ALL NEW *'
)
_FINISH = (
    'UPDATE "{table}" SET "status"=? SET "result"=? SET "lease_until_ms"=? SET "retries"=?'
    ' SET "finished_at_ms"=? SET "ttl"=? SET "returned"="returned"+1'
    ' WHERE "id"=? AND "attempt"=? AND "status"=\'STARTED\''
)


def claim_known(table: str, claim: Claim, now_ms: int) -> Statement:
    """Return the statement that claims a task which has a record."""
    return {
        "Statement": _CLAIM.format(table=table),
        "Parameters": [
            number(claim.lease_until_ms),
            number(claim.starts_at_ms(now_ms)),
            string(item_id(claim.message.id)),
            number(now_ms),
        ],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def known_outcome(response: Response) -> ClaimOutcome | None:
    """Return what became of `claim_known`; None: the task has no record."""
    if is_carried_out(response):
        return _claimed(response["Item"])
    code = str(statement_error(response))
    if code not in ANSWERS:
        return NotClaimed(code)
    item = response["Error"].get("Item")
    return _not_claimable(item) if item else None


def claim_unknown(table: str, claim: Claim, now_ms: int, retention: Retention) -> Statement:
    """Return the statement that claims a task without a record: a stock client writes none."""
    return insert_statement(table, started_item(claim, now_ms, retention))


def unknown_outcome(response: Response, now_ms: int) -> ClaimOutcome:
    """Return what became of `claim_unknown`: another may have been faster."""
    if is_carried_out(response):
        return Claimed(attempt=1, retries=0, lost=0)
    code = str(statement_error(response))
    return Leased(now_ms) if code in ANSWERS else NotClaimed(code)


def finish(table: str, end: Finish, retention: Retention) -> Statement:
    """Return the statement that writes the end of an attempt."""
    is_final = end.claimable_at_ms == NEVER_MS
    ttl = retention.of_finished(end.at_ms) if is_final else retention.of_waiting(end.at_ms)
    return {
        "Statement": _FINISH.format(table=table),
        "Parameters": [
            string(end.status),
            {"B": end.meta},
            number(end.claimable_at_ms),
            number(end.retries),
            number(end.at_ms),
            number(ttl),
            string(item_id(end.task_id)),
            number(end.attempt),
        ],
    }


def _claimed(item: Item) -> Claimed:
    attempt, returned = read_int(item, "attempt"), read_int(item, "returned")
    # Every attempt that ends in order raises `returned`.
    return Claimed(attempt, read_int(item, "retries"), lost=attempt - 1 - returned)


def _not_claimable(item: Item) -> AlreadyFinished | Leased:
    until_ms = read_int(item, "lease_until_ms")
    return AlreadyFinished(item["status"]["S"]) if until_ms == NEVER_MS else Leased(until_ms)
