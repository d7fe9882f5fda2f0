"""Redrives and discards dead letters, one by one or by queue."""

from collections.abc import Callable

from api import dead_letter_queues, replies
from api.fields import PathKey, QueueName
from api.problems import not_found
from api.replies import Reply
from api.routing import Router
from functions.producer import observing
from taskqueue import clock
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.dead_letters.redrive import Redriver
from taskqueue.errors import MessageTooLarge, NotRedrivable
from taskqueue.lambdas import clients, wiring

router = Router()

PAGE = 100
# What is left of the function's time when it ends with an answer.
RESERVED_FOR_ANSWER_MS = 3_000


@router.post("/dead-letters/<letter>/redrive")
def redrive(letter: PathKey) -> Reply:
    """Send a dead letter to its queue again; its task waits once more."""
    found = wiring.dead_letter_store().get(letter)
    if found is None:
        raise _unknown()
    _redrive(found)
    location = f"/tasks/{found.task_id}" if found.task_id else None
    body = {"id": letter, "queue": found.queue, "task_id": found.task_id}
    event = router.current_event
    return replies.accepted(body, replies.location(event, location) if location else None)


@router.post("/dead-letters/redrive")
def redrive_queue(queue: QueueName) -> Reply:
    """Redrive a queue's dead letters, as many as the time allows."""
    count, is_rest = _for_each(queue, lambda letter: _redrive_by_id(letter.id))
    return replies.accepted({"queue": queue, "redriven": count, "more": is_rest})


@router.delete("/dead-letters/<letter>")
def discard(letter: PathKey) -> Reply:
    """Discard a dead letter; its task stays FAILURE."""
    if wiring.dead_letter_store().get(letter) is None:
        raise _unknown()
    _discard(letter)
    return replies.no_content()


@router.delete("/dead-letters")
def discard_queue(queue: QueueName) -> Reply:
    """Discard a queue's dead letters, as many as the time allows."""
    count, is_rest = _for_each(queue, lambda letter: _discard(letter.id))
    return replies.ok({"queue": queue, "discarded": count, "more": is_rest})


def _for_each(queue: str, work: Callable[[DeadLetter], bool]) -> tuple[int, bool]:
    """Work on a queue's dead letters; return for how many it was done, and whether time ran out.

    From the newest to the oldest of those there are now: what comes back meanwhile is newer.
    """
    dead_letter_queues.check_queue(queue)
    count, after = 0, None
    while True:
        page = wiring.dead_letter_store().page(queue, PAGE, after)
        for letter in page.letters:
            if router.lambda_context.get_remaining_time_in_millis() < RESERVED_FOR_ANSWER_MS:
                return count, True
            count += work(letter)
        if page.next_id is None:
            return count, False
        after = page.next_id


def _redrive_by_id(letter_id: str) -> bool:
    # A page has no bodies. A letter may be gone by now: someone else redrove it.
    letter = wiring.dead_letter_store().get(letter_id)
    if letter is None:
        return False
    try:
        _redrive(letter)
    except (NotRedrivable, MessageTooLarge) as error:
        # The letter stays, and keeps no other one from its queue.
        extra = {"dead_letter_id": letter_id, "reason": str(error)}
        observing.logger.info("dead letter not redriven", extra=extra)
        return False
    return True


def _redrive(letter: DeadLetter) -> None:
    dead_letter_queues.check_target(letter.queue)
    redriver = Redriver(
        clients.client("sqs"),
        wiring.task_store(),
        wiring.dead_letter_store(),
        wiring.settings().queues,
    )
    redriver.redrive(letter, clock.now_ms())
    extra = {"task_id": letter.task_id, "dead_letter_id": letter.id}
    observing.logger.info("dead letter redriven", extra=extra)


def _discard(letter_id: str) -> bool:
    wiring.dead_letter_store().delete(letter_id)
    observing.logger.info("dead letter discarded", extra={"dead_letter_id": letter_id})
    return True


def _unknown() -> Exception:
    return not_found("There is no such dead letter.")
