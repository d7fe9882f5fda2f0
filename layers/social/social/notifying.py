"""The fan-out, carried out: reads friends, sends parts, delivers, and finishes the task.

`social.fanout` says why it counts exactly. A step that fails, or whose worker dies, is done again
as a whole when its message comes back.
"""

import uuid
from collections.abc import Iterable
from typing import Protocol

from social.fanout import NOTIFY_FRIENDS, PAGE_SIZE, Chunk, FanOut, end_key, is_small, plan_page
from social.friends import FriendPage
from social.news import News
from taskqueue.context import DEFERRED, Context, Deferred
from taskqueue.errors import TaskIdTaken, TaskQueueError
from taskqueue.groups.completion import Parts
from taskqueue.records import states


class NotTheAuthor(TaskQueueError):
    """The news is another user's."""


class NewsReader(Protocol):
    """What the fan-out needs of `NewsStore`."""

    def get(self, news_id: str) -> News | None:
        """Return the news, or None when there is none of that id, or none any more."""
        ...


class Friends(Protocol):
    """What the fan-out needs of `FriendStore`."""

    def page(self, user_id: str, after: str | None, limit: int) -> FriendPage:
        """Return some of the user's friends."""
        ...


class Feeds(Protocol):
    """What the fan-out needs of `FeedStore`."""

    def deliver(
        self, user_ids: Iterable[str], news_id: str, author_id: str, expires_at: int
    ) -> int:
        """Put the news into feeds; return of how many users."""
        ...


def notify(
    run: Context, fan_out: FanOut, news: NewsReader, friends: Friends, feeds: Feeds
) -> int | Deferred:
    """Deliver to few friends at once and return how many; hand many over to parts.

    News that is deleted goes to nobody.

    Raises:
        NotTheAuthor: the news is not the user's.
        StoreError, SendError: not everything is delivered or planned.
    """
    if run.attempt > 1 and _is_planned(run, fan_out, page=0):
        return DEFERRED
    if not _exists(fan_out, news):
        return 0
    first = friends.page(fan_out.author_id, None, PAGE_SIZE)
    if is_small(first):
        return feeds.deliver(first.ids, fan_out.news_id, fan_out.author_id, fan_out.expires_at)
    _send_page(run, fan_out, 0, first)
    return DEFERRED


def notify_page(
    run: Context, fan_out: FanOut, number: int, after: str, news: NewsReader, friends: Friends
) -> None:
    """Hand page `number` of the friends, those after the id `after`, over to parts.

    Where the news was deleted or the task revoked, no page follows.

    Raises:
        NotTheAuthor, TaskIdTaken: there is no such fan-out.
        StoreError, SendError: the page is not wholly planned.
    """
    if _is_planned(run, fan_out, number):
        return
    if _is_wanted(run, fan_out, news):
        _send_page(run, fan_out, number, friends.page(fan_out.author_id, after, PAGE_SIZE))
    else:
        _complete_if_done(run, fan_out, run.store.plan_parts(fan_out.task_id, end_key(number)))


def deliver_chunk(
    run: Context,
    fan_out: FanOut,
    chunk: Chunk,
    friend_ids: list[str],
    news: NewsReader,
    feeds: Feeds,
) -> None:
    """Deliver to the friends of one chunk, unless the news was deleted.

    Raises:
        NotTheAuthor: the news is not the user's.
        StoreError: not everything is delivered or recorded.
    """
    count = 0
    if _exists(fan_out, news):
        count = feeds.deliver(friend_ids, fan_out.news_id, fan_out.author_id, fan_out.expires_at)
    parts = run.store.finish_part(fan_out.task_id, chunk.done_key(count))
    _complete_if_done(run, fan_out, parts)


def _is_wanted(run: Context, fan_out: FanOut, news: NewsReader) -> bool:
    """Whether the news is still to be delivered; a task whose record has passed says nothing."""
    record = run.store.get(fan_out.task_id)
    if record is not None and record.task != NOTIFY_FRIENDS:
        raise TaskIdTaken
    is_revoked = record is not None and record.status == states.REVOKED
    return not is_revoked and _exists(fan_out, news)


def _exists(fan_out: FanOut, news: NewsReader) -> bool:
    """Whether the news is there."""
    found = news.get(fan_out.news_id)
    if found is not None and found.author_id != fan_out.author_id:
        raise NotTheAuthor
    return found is not None


def _send_page(run: Context, fan_out: FanOut, number: int, page: FriendPage) -> None:
    plan = plan_page(fan_out, number, page, plan_id=uuid.uuid4().hex[:12])
    run.sender.send_unrecorded(plan.messages, run.now_ms())
    # If all chunks were done before the plan was recorded, none of them could finish the task.
    _complete_if_done(run, fan_out, run.plan_parts(plan.key, fan_out.task_id))


def _is_planned(run: Context, fan_out: FanOut, page: int) -> bool:
    """Whether an earlier delivery of this message planned the page; finishes what it left."""
    record = run.store.get(fan_out.task_id)
    if record is None or record.parts is None or not record.parts.has_page(page):
        return False
    # The plan is there already; recording it again takes the task from STARTED to PROGRESS.
    parts = run.plan_parts(min(record.parts.planned), fan_out.task_id)
    _complete_if_done(run, fan_out, parts)
    return True


def _complete_if_done(run: Context, fan_out: FanOut, parts: Parts) -> None:
    if parts.complete:
        run.store.complete(fan_out.message, parts.count, run.now_ms())
