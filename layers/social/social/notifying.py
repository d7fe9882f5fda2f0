"""The fan-out, carried out: reads friends, plans, sends parts, delivers, and finishes the task.

`social.fanout` says what is planned, and `taskqueue.groups` why it counts exactly. A step that
fails, or whose worker dies, is done again as a whole when its message comes back.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from social.fanout import (
    NOTHING_PLANNED,
    NOTIFY_FRIENDS,
    PAGE_SIZE,
    FanOut,
    LastPage,
    as_sent,
    as_whole,
    chunk_messages,
    is_small,
    knows_its_size,
    with_page,
)
from social.friends import FriendPage
from social.news import News
from social.part_state import PartState
from taskqueue.context import CONTINUED, DEFERRED, Context, Continued, Deferred
from taskqueue.errors import TaskIdTaken, TaskQueueError
from taskqueue.groups import finishing
from taskqueue.groups.part import Done, Part
from taskqueue.groups.progress import PartsPlan
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


class PartStates(Protocol):
    """What the fan-out needs of `PartReader`."""

    def read(self, news_id: str, part: Part) -> PartState:
        """Return how it stands with a part of the fan-out of this news."""
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
) -> int | Deferred | Continued:
    """Deliver to few friends at once and return how many; hand many over to parts.

    It goes on from what an earlier run has planned. News that is deleted goes to nobody.

    Raises:
        NotTheAuthor: the news is not the user's.
        StoreError, SendError: not everything is delivered or planned.
    """
    plan = _recorded_plan(run)
    is_there = _is_the_authors(fan_out, news.get(fan_out.news_id))
    if plan:
        plan = plan if is_there else as_whole(plan)
        return _plan_on(run, fan_out, friends, plan, _last_page(fan_out, friends, plan))
    if not is_there:
        return 0
    first = friends.page(fan_out.author_id, None, PAGE_SIZE)
    if is_small(first):
        return feeds.deliver(first.ids, fan_out.news_id, fan_out.author_id, fan_out.expires_at)
    return _plan_on(run, fan_out, friends, with_page(NOTHING_PLANNED, first), first.ids)


def deliver_chunk(
    run: Context,
    fan_out: FanOut,
    part: Part,
    friend_ids: list[str],
    parts: PartStates,
    feeds: Feeds,
) -> None:
    """Deliver to the friends of one chunk, unless it is done or the news was deleted.

    After the task has ended, and so when it was revoked, nothing is done any more.

    Raises:
        NotTheAuthor, TaskIdTaken: there is no such fan-out.
        StoreError: not everything is delivered or recorded.
    """
    state = parts.read(fan_out.news_id, part)
    if state.record and state.record.task != NOTIFY_FRIENDS:
        raise TaskIdTaken
    if state.record and state.record.status in (states.SUCCESS, states.REVOKED):
        return
    count = 0
    if _is_the_authors(fan_out, state.news) and not state.is_done:
        count = feeds.deliver(friend_ids, fan_out.news_id, fan_out.author_id, fan_out.expires_at)
    whole = finishing.finish_part(run.store, part, Done(count), run.now_ms())
    if whole:
        finishing.end_whole(run.store, fan_out.message, whole, run.now_ms())


def _recorded_plan(run: Context) -> PartsPlan | None:
    """Return what an earlier run has planned."""
    record = run.store.get(run.id) if run.attempt > 1 else None
    return record.parts.plan if record and record.parts else None


def _is_the_authors(fan_out: FanOut, news: News | None) -> bool:
    """Whether the news is there."""
    if news is not None and news.author_id != fan_out.author_id:
        raise NotTheAuthor
    return news is not None


def _last_page(fan_out: FanOut, friends: Friends, plan: PartsPlan) -> Sequence[str]:
    """Return the friends of the page that was planned last, as they are now."""
    last = LastPage.of(plan)
    found: list[str] = []
    after = last.after
    while last.ends and (after is None or after < last.ends[-1]):
        page = friends.page(fan_out.author_id, after, PAGE_SIZE)
        found += [friend_id for friend_id in page.ids if friend_id <= last.ends[-1]]
        if page.next_token is None:
            break
        after = page.next_token
    return found


def _plan_on(
    run: Context, fan_out: FanOut, friends: Friends, plan: PartsPlan, friend_ids: Sequence[str]
) -> Deferred | Continued:
    """Record and send the plan's last page, and those after it, until half of the time is gone.

    Who has recorded a page has sent the one before it. So of a worker that dies only the last page
    is to be sent again.
    """
    half_ms = (run.now_ms() + run.ends_at_ms) // 2
    while run.plan_parts(plan):
        run.sender.send_unrecorded(chunk_messages(fan_out, plan, friend_ids), run.now_ms())
        if plan.is_whole:
            _tell_size(run, fan_out, plan)
            break
        if run.now_ms() >= half_ms:
            return CONTINUED if run.plan_parts(as_sent(plan)) else DEFERRED
        page = friends.page(fan_out.author_id, LastPage.of(plan).next_after, PAGE_SIZE)
        plan, friend_ids = with_page(plan, page), page.ids
    return DEFERRED


def _tell_size(run: Context, fan_out: FanOut, plan: PartsPlan) -> None:
    if knows_its_size(plan):
        return
    whole = finishing.set_size(run.store, run.id, plan.parts, run.now_ms())
    if whole:
        finishing.end_whole(run.store, fan_out.message, whole, run.now_ms())
