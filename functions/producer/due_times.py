"""When a task is due and when it expires, from what its caller wrote."""

from api.problems import bad_field
from api.times import milliseconds
from functions.producer.models import MAX_AHEAD_SECONDS, TaskCall


def eta_ms(call: TaskCall, now_ms: int) -> int | None:
    """Return when the task is due, in milliseconds since the epoch; None for at once.

    Raises:
        Problem: both `countdown` and `eta` are given, or `eta` is no time to come.
    """
    if call.eta is None:
        return now_ms + round(call.countdown * 1000) if call.countdown else None
    if call.countdown is not None:
        raise bad_field("eta", "cannot be given together with countdown")
    return _time_to_come("eta", call.eta, now_ms)


def expires_at_ms(call: TaskCall, now_ms: int) -> int | None:
    """Return when the task is no longer to be started; None for never.

    Raises:
        Problem: `expires` is no time to come.
    """
    if call.expires is None:
        return None
    if isinstance(call.expires, str):
        return _time_to_come("expires", call.expires, now_ms)
    return now_ms + round(call.expires * 1000)


def _time_to_come(field: str, text: str, now_ms: int) -> int:
    try:
        at_ms = milliseconds(text)
    except ValueError as error:
        raise bad_field(field, str(error)) from None
    if at_ms < now_ms:
        raise bad_field(field, "is in the past")
    if at_ms > now_ms + MAX_AHEAD_SECONDS * 1000:
        raise bad_field(field, "is more than a year ahead")
    return at_ms
