"""The tasks of the notifications queue."""

from typing import Any

from social import fanout, notifying, stores
from social.fanout import Chunk, FanOut
from social.ids import check_id
from taskqueue.app import App
from taskqueue.context import Context, Deferred
from taskqueue.errors import PermanentError, SendError, StoreError

app = App("social", queue="notifications")

# Throttling passes: within some minutes on-demand tables double what they take.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_OPTIONS: dict[str, Any] = {
    "max_retries": 10,
    "autoretry_for": (StoreError, SendError),
    "dont_autoretry_for": (PermanentError,),
    "retry_backoff": 1,
    "retry_backoff_max": 300,
}


@app.task(name=fanout.NOTIFY_FRIENDS, bind=True, **_OPTIONS)
def notify_friends(run: Context, user_id: str, news_id: str) -> int | Deferred:
    """Put the news into the feed of every friend of the user; the result is how many."""
    fan_out = FanOut(
        task_id=run.id,
        queue=app.queue,
        author_id=check_id(user_id, "user_id"),
        news_id=check_id(news_id, "news_id"),
        expires_at=run.now_ms() // 1000 + stores.feed_ttl_seconds(),
    )
    return notifying.notify(run, fan_out, stores.friends(), stores.feeds())


@app.task(name=fanout.NOTIFY_FRIENDS_PAGE, idempotent=True, bind=True, **_OPTIONS)
def notify_friends_page(run: Context, fan_out: dict[str, Any], page: int, after: str) -> None:
    """Go on with page `page` of the friends, after the friend `after`."""
    notifying.notify_page(run, FanOut(**fan_out), page, after, stores.friends())


@app.task(name=fanout.DELIVER_NEWS, idempotent=True, bind=True, **_OPTIONS)
def deliver_news(
    run: Context, fan_out: dict[str, Any], chunk: dict[str, Any], friend_ids: list[str]
) -> None:
    """Put the news into the feeds of these friends."""
    notifying.deliver_chunk(run, FanOut(**fan_out), Chunk(**chunk), friend_ids, stores.feeds())
