"""From one piece of news to the messages that deliver it: pure planning.

Up to 1,000 friends are served by the task itself. Beyond, their ids are read in pages of 10,000. A
page is cut into chunks of 1,000 friends, each a part of the task's group with a message of its own.

    notify_friends ─┬─ page 0 ─── 10 deliver_news
                    ├─ page 1 ─── 10 deliver_news
                    └─ …

A page is planned first and sent afterwards: the plan says at which friend's id each chunk ends. So
the page can be sent again, even when friends have come or gone meanwhile: a chunk always has the
friends between the same two ids, and nobody is in two chunks, or in none.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from social.friends import FriendPage
from taskqueue.groups.part import Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import Message

# The names of the tasks: `notify_friends` is what clients call, the other is its part.
NOTIFY_FRIENDS = "notify_friends"
DELIVER_NEWS = "deliver_news"

# 40 requests of 25: about a second of work.
CHUNK_SIZE = 1_000
# Ten chunks go in one SendMessageBatch.
PAGE_SIZE = 10_000
# A chunk that is sent again has those, too, who have become friends since it was planned.
MAX_CHUNK_SIZE = 10_000

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


class LastPage(NamedTuple):
    """The page that was planned last: the friends after the id `after`, in chunks.

    `ends`: the last friend's id of each chunk. A page that has been sent has none left to send.
    """

    after: str | None
    ends: tuple[str, ...]

    @classmethod
    def of(cls, plan: PartsPlan) -> "LastPage":
        """Return the last page of a plan."""
        after, *ends = plan.cursor
        return cls(after, tuple(ends))

    @property
    def cursor(self) -> list[str | None]:
        """The page as it stands in a plan."""
        return [self.after, *self.ends]

    @property
    def next_after(self) -> str | None:
        """The id after which the next page begins."""
        return self.ends[-1] if self.ends else self.after


NOTHING_PLANNED = PartsPlan(0, 0, is_whole=False, cursor=[None])


def is_small(first: FriendPage) -> bool:
    """Whether the first page of friends is the only one, and short enough to serve at once."""
    return first.next_token is None and len(first.ids) <= CHUNK_SIZE


def with_page(plan: PartsPlan, page: FriendPage) -> PartsPlan:
    """Return the plan with one more page of friends."""
    ends = tuple(ids[-1] for ids in itertools.batched(page.ids, CHUNK_SIZE, strict=False))
    return PartsPlan(
        parts=plan.parts + len(ends),
        count=plan.count + len(page.ids),
        is_whole=page.next_token is None,
        cursor=LastPage(LastPage.of(plan).next_after, ends).cursor,
    )


def as_sent(plan: PartsPlan) -> PartsPlan:
    """Return the plan with nothing left to send."""
    return replace(plan, cursor=[LastPage.of(plan).next_after])


def as_whole(plan: PartsPlan) -> PartsPlan:
    """Return the plan with no further pages."""
    return replace(plan, is_whole=True)


def knows_its_size(plan: PartsPlan) -> bool:
    """Whether every part was told how many there are: if all are on one page."""
    return plan.is_whole and len(LastPage.of(plan).ends) == plan.parts


def chunk_messages(fan_out: FanOut, plan: PartsPlan, friend_ids: Sequence[str]) -> list[Message]:
    """Return the messages of the last page's chunks; `friend_ids` are the friends of the page."""
    ends = LastPage.of(plan).ends
    first = plan.parts - len(ends)
    size = plan.parts if plan.is_whole else None
    chunks = enumerate(_chunks(friend_ids, ends), first)
    return [_chunk_message(fan_out, Part(fan_out.task_id, i, size), ids) for i, ids in chunks]


def _chunks(friend_ids: Sequence[str], ends: Sequence[str]) -> Iterator[Sequence[str]]:
    start = 0
    for end in ends:
        stop = bisect.bisect_right(friend_ids, end)
        yield friend_ids[start:stop]
        start = stop


def _chunk_message(fan_out: FanOut, part: Part, friend_ids: Sequence[str]) -> Message:
    arguments: dict[str, Any] = {"fan_out": asdict(fan_out), "friend_ids": list(friend_ids)}
    return Message(
        DELIVER_NEWS,
        f"{fan_out.task_id[:_MAX_ID_PREFIX]}.{part.index}",
        kwargs=arguments,
        queue=fan_out.queue,
        root_id=fan_out.task_id,
        parent_id=fan_out.task_id,
        part=part,
    )
