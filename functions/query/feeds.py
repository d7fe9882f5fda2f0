"""Reads feeds."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from api import replies
from api.fields import DEFAULT_PAGE, PathId
from api.problems import bad_field
from api.replies import Reply
from api.routing import Router
from functions.query.json_forms import news_json
from social import stores
from social.feeds import InvalidCursor
from social.reading import read_feed
from taskqueue import clock

router = Router()

# With the longest of posts, each character escaped twice, a page has 4.5 of the 6 MB that a
# function may answer.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_NEWS = 50


@router.get("/users/<user>/feed")
def get_feed(
    user: PathId,
    limit: Annotated[int, Query(ge=1, le=MAX_NEWS)] = DEFAULT_PAGE,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Reply:
    """Return the news of the user's friends, newest first."""
    try:
        page = read_feed(stores.feeds(), stores.news(), user, cursor, limit, now_ms=clock.now_ms())
    except InvalidCursor:
        raise bad_field("cursor", "is not one of this feed's") from None
    return replies.ok(
        {"news": [news_json(news) for news in page.news], "next_cursor": page.next_cursor}
    )
