"""A feed as its user reads it: the ids of the feed joined with the bodies of the news."""

from dataclasses import dataclass

from social.feeds import FeedStore
from social.news import News, NewsStore

# A reader waits no longer than this for the news before those that were deleted.
MAX_READS = 10


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Part of a feed, newest first; `next_cursor` is None at its end, and only there."""

    news: tuple[News, ...]
    next_cursor: str | None


def read_feed(
    feeds: FeedStore, news: NewsStore, user_id: str, cursor: str | None, limit: int, *, now_ms: int
) -> NewsPage:
    """Return up to `limit` (at least 1) pieces of news of the user's feed.

    News that was deleted since is left out. When `MAX_READS` pages of the feed held nothing else,
    the page is empty, and its cursor goes on.

    Raises:
        InvalidCursor: the cursor is none of a page's.
        StoreError, Throttled: a request failed.
    """
    for _ in range(MAX_READS):
        page = feeds.page(user_id, cursor, limit, now_ms=now_ms)
        bodies = news.batch_get(entry.news_id for entry in page.entries)
        found = tuple(bodies[e.news_id] for e in page.entries if e.news_id in bodies)
        cursor = page.next_cursor
        if found or cursor is None:
            break
    return NewsPage(found, cursor)
