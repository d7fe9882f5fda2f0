"""From one piece of news to the messages that deliver it: pure planning.

Up to 1,000 friends are served by the task itself. Beyond, their ids are read in pages of 10,000;
a page is planned as chunks of 1,000 friends, a message each, and, if there are more friends, one
message more that goes on with the next page.

    notify_friends ── page 0 ─┬─ 10 deliver_news
                              └─ notify_friends_page ── page 1 ─┬─ 10 deliver_news
                                                                └─ …

Nothing is kept between these messages but the task's record, and each may come twice. A page's
messages are sent first, and the page is recorded as planned afterwards. A worker that dies in
between leaves no trace in the record, so the page is planned again, under another plan id;
`taskqueue.groups.completion` counts a page by one of its plans only. A delivery that is made twice
writes the same item twice.
"""

import itertools
from dataclasses import asdict, dataclass
from typing import Any

from social.friends import FriendPage
from taskqueue.groups.completion import done_key, planned_key
from taskqueue.message import Message

# The names of the tasks: `notify_friends` is what clients call, the others are its parts.
NOTIFY_FRIENDS = "notify_friends"
NOTIFY_FRIENDS_PAGE = "notify_friends_page"
DELIVER_NEWS = "deliver_news"

# 40 requests of 25: about a second of work.
CHUNK_SIZE = 1_000
# Ten chunks go in one SendMessageBatch.
PAGE_SIZE = 10_000

# An id of a task may have 255 characters, those of its parts included.
_MAX_ID_PREFIX = 200


@dataclass(frozen=True, slots=True)
class FanOut:
    """One piece of news on its way to its author's friends, and the task that reports on it.

    `queue`: the logical name of the queue of that task and of its parts. `expires_at`: when the
    deliveries vanish, in seconds since the epoch.
    """

    task_id: str
    queue: str
    author_id: str
    news_id: str
    expires_at: int

    @property
    def message(self) -> Message:
        """The message of the task that reports."""
        return Message(
            NOTIFY_FRIENDS, self.task_id, args=(self.author_id, self.news_id), queue=self.queue
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Which part of a fan-out a chunk is: number `index` of the plan `plan_id` of a page."""

    page: int
    plan_id: str
    index: int

    def done_key(self, count: int) -> str:
        """Return the key that says: this chunk is delivered, to `count` friends."""
        return done_key(self.page, self.plan_id, self.index, count)


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What to send for a page and, when it is sent, the key to record."""

    messages: tuple[Message, ...]
    key: str


def is_small(first: FriendPage) -> bool:
    """Whether the first page of friends is the only one, and short enough to serve at once."""
    return first.next_token is None and len(first.ids) <= CHUNK_SIZE


def plan_page(fan_out: FanOut, number: int, page: FriendPage, plan_id: str) -> PagePlan:
    """Plan page `number` of the friends, counted from 0.

    Args:
        plan_id: a new one for every attempt, without a colon.
    """
    chunks = [
        (Chunk(number, plan_id, index), ids)
        for index, ids in enumerate(itertools.batched(page.ids, CHUNK_SIZE, strict=False))
    ]
    messages = [_chunk_message(fan_out, chunk, ids) for chunk, ids in chunks]
    last = page.next_token is None
    if page.next_token is not None:
        messages.append(_page_message(fan_out, number + 1, page.next_token, plan_id))
    key = planned_key(number, plan_id, len(chunks), len(page.ids), last=last)
    return PagePlan(tuple(messages), key)


def end_key(number: int) -> str:
    """Return the key that says: page `number` and all after it are left out."""
    return planned_key(number, "end", 0, 0, last=True)


def _chunk_message(fan_out: FanOut, chunk: Chunk, friend_ids: tuple[str, ...]) -> Message:
    name = f"{chunk.page}.{chunk.plan_id}.{chunk.index}"
    arguments = {"chunk": asdict(chunk), "friend_ids": friend_ids}
    return _part(fan_out, DELIVER_NEWS, name, arguments)


def _page_message(fan_out: FanOut, number: int, after: str, plan_id: str) -> Message:
    arguments = {"page": number, "after": after}
    return _part(fan_out, NOTIFY_FRIENDS_PAGE, f"{number}.{plan_id}", arguments)


def _part(fan_out: FanOut, task: str, name: str, arguments: dict[str, Any]) -> Message:
    return Message(
        task,
        f"{fan_out.task_id[:_MAX_ID_PREFIX]}.{name}",
        kwargs={"fan_out": asdict(fan_out), **arguments},
        queue=fan_out.queue,
        root_id=fan_out.task_id,
        parent_id=fan_out.task_id,
    )
