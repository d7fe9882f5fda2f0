"""The queues that dead letters are of, as callers name them."""

from api.problems import bad_field
from taskqueue.dead_letters.letter import UNKNOWN_QUEUE
from taskqueue.lambdas import wiring


def names() -> list[str]:
    """Return the queues that dead letters may be of, in order: the stack's, and the unknown one."""
    return sorted([*wiring.settings().queues, UNKNOWN_QUEUE])


def check_queue(name: str) -> None:
    """Check that dead letters may be of that queue.

    Raises:
        Problem: they may not; it lists those of which they may be.
    """
    _check(name, names())


def check_target(name: str) -> None:
    """Check that a letter of that queue can be sent to it again.

    Raises:
        Problem: it is not known where the letter comes from; it lists the queues that there are.
    """
    _check(name, sorted(wiring.settings().queues))


def _check(name: str, known: list[str]) -> None:
    if name not in known:
        raise bad_field("queue", f"must be one of {', '.join(known)}")
