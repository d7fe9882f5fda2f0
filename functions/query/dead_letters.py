"""Reads dead letters."""

from api import dead_letter_queues, replies
from api.fields import DEFAULT_PAGE, KeyCursor, Limit, QueueName
from api.problems import bad_field
from api.replies import Reply
from api.routing import Router
from functions.query.json_forms import dead_letter_json
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.dead_letters.store import DeadLetterPage
from taskqueue.lambdas import wiring

router = Router()


@router.get("/dead-letters")
def get_dead_letters(
    queue: QueueName | None = None, limit: Limit = DEFAULT_PAGE, cursor: KeyCursor = None
) -> Reply:
    """Return the dead letters of one queue or of all, each queue's newest first."""
    if queue is not None:
        dead_letter_queues.check_queue(queue)
    names = dead_letter_queues.names() if queue is None else [queue]
    page = _page(names, limit, cursor)
    shown = [dead_letter_json(letter) for letter in page.letters]
    return replies.ok({"dead_letters": shown, "next_cursor": page.next_id})


def _page(names: list[str], limit: int, cursor: str | None) -> DeadLetterPage:
    """Read one queue after the other, from the one that the cursor's letter is of.

    Of large letters, one request reads few: the page is then short, and its cursor goes on.
    """
    found: list[DeadLetter] = []
    rest = names[_start(names, cursor) :]
    for name in rest:
        page = wiring.dead_letter_store().page(name, limit - len(found), cursor)
        found.extend(page.letters)
        cursor = page.next_id
        if cursor is None and len(found) == limit and name != rest[-1]:
            cursor = found[-1].id
        if cursor is not None:
            break
    return DeadLetterPage(found, cursor)


def _start(names: list[str], cursor: str | None) -> int:
    if cursor is None:
        return 0
    name = cursor.partition(".")[0]
    if name not in names:
        raise bad_field("cursor", "is not one of this list's")
    return names.index(name)
