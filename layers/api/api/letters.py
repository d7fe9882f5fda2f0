"""The dead letters, as both sides of the API reach them."""

import functools

from api.problems import bad_field
from taskqueue import aws
from taskqueue.deadletters import DeadLetterStore


@functools.cache
def store() -> DeadLetterStore:
    """Return the store of the table DEAD_LETTERS_TABLE."""
    return DeadLetterStore(aws.client("dynamodb"), aws.settings().dead_letters_table)


def check_queue(name: str) -> None:
    """Check that there is a queue of that name.

    Raises:
        Problem: there is none; it lists those that there are.
    """
    known = sorted(aws.settings().queues)
    if name not in known:
        raise bad_field("queue", f"must be one of {', '.join(known)}")
