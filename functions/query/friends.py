"""Reads friendships."""

from api import replies
from api.fields import DEFAULT_PAGE, IdCursor, Limit, PathId
from api.replies import Reply
from api.routing import Router
from social import stores

router = Router()


@router.get("/users/<user>/friends")
def get_friends(user: PathId, limit: Limit = DEFAULT_PAGE, cursor: IdCursor = None) -> Reply:
    """Return the user's friends, in the order of their ids."""
    page = stores.friends().page(user, cursor, limit)
    return replies.ok({"friends": list(page.ids), "next_cursor": page.next_token})
