"""The tasks of the notifications queue."""

from typing import Any

from social import fanout, notifying, stores
from social.fanout import FanOut
from social.ids import check_id
from social.part_arguments import read_fan_out, read_friend_ids, read_part
from taskqueue.app import App
from taskqueue.context import Context, Continued, Deferred
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
_PART: dict[str, Any] = {**_OPTIONS, "idempotent": True, "internal": True}


@app.task(name=fanout.NOTIFY_FRIENDS, bind=True, **_OPTIONS)
def notify_friends(run: Context, user_id: str, news_id: str) -> int | Deferred | Continued:
    """Put the user's news into the feed of every friend; the result is how many.

    When the news is deleted or the task is revoked meanwhile, it goes to no further friend.
    """
    fan_out = FanOut(
        task_id=run.id,
        queue=app.queue,
        author_id=check_id(user_id, "user_id"),
        news_id=check_id(news_id, "news_id"),
        expires_at=run.now_ms() // 1000 + stores.feed_ttl_seconds(),
    )
    return notifying.notify(run, fan_out, stores.news(), stores.friends(), stores.feeds())


@app.task(name=fanout.DELIVER_NEWS, bind=True, **_PART)
def deliver_news(run: Context, fan_out: dict[str, Any], friend_ids: list[str]) -> None:
    """Put the news into the feeds of these friends."""
    part = read_part(run.message.part)
    notifying.deliver_chunk(
        run,
        read_fan_out(fan_out, app.queue, part),
        part,
        read_friend_ids(friend_ids),
        stores.parts(),
        stores.feeds(),
    )
