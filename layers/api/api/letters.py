"""The queues of dead letters, as both sides of the API name them."""

from api.problems import bad_field
from taskqueue.lambdas import wiring


def check_queue(name: str) -> None:
    """Check that there is a queue of that name.

    Raises:
        Problem: there is none; it lists those that there are.
    """
    known = sorted(wiring.settings().queues)
    if name not in known:
        raise bad_field("queue", f"must be one of {', '.join(known)}")
