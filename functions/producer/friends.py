"""Makes and ends friendships."""

from api import replies
from api.fields import PathId
from api.problems import bad_field
from api.replies import Reply
from api.routing import Router
from social import stores
from social.friends import SelfFriendship

router = Router()


@router.put("/users/<user>/friends/<friend>")
def befriend(user: PathId, friend: PathId) -> Reply:
    """Make two users friends, in both directions."""
    try:
        stores.friends().befriend(user, friend)
    except SelfFriendship:
        raise bad_field("friend", "must be another user") from None
    return replies.no_content()


@router.delete("/users/<user>/friends/<friend>")
def unfriend(user: PathId, friend: PathId) -> Reply:
    """End a friendship, in both directions."""
    try:
        stores.friends().unfriend(user, friend)
    except SelfFriendship:
        raise bad_field("friend", "must be another user") from None
    return replies.no_content()
