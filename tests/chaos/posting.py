"""Sends the jobs of a campaign as a web service would, which asks again until it has an answer."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from social.friends import FriendStore
from taskqueue.beat import plan
from taskqueue.clock import iso, now_ms
from tests.chaos.workload import FRIENDS, Job, Junk, Locked, OneOff, Post, Rank, Sum, Views
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.local.rest import Answer, Rest
from tools.waiting import until

SENDERS = 4
GIVE_UP_SECONDS = 120
_NEWS = {"text": "It blows."}


@dataclass(frozen=True)
class News:
    """News that were accepted, of a user with so many friends, and the task that announces them."""

    news_id: str
    task_id: str
    friends: int


@dataclass
class Accepted:
    """What the stack has said that it will do.

    `maybe_views`: views of books whose request was not answered, so that they may count or not.
    `refusals`: how many requests were made again for want of a good answer, by what they got.
    """

    news: list[News] = field(default_factory=list)
    sums: dict[str, Sum] = field(default_factory=dict)
    doors: dict[str, Path] = field(default_factory=dict)
    rankings: set[str] = field(default_factory=set)
    one_offs: dict[str, int] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    maybe_views: dict[str, int] = field(default_factory=dict)
    junk: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def author(friends: int) -> str:
    """The user who has so many friends."""
    return f"author-{friends}"


def friends_of(friends: int) -> list[str]:
    """The friends of the user who has so many, in the order of their ids."""
    return [f"friend-{number:05d}" for number in range(friends)]


def load_friends(stack: Stack) -> None:
    """Make the users who post, and their friends."""
    store = FriendStore(stack.client("dynamodb"), stack.outputs["FriendsTable"])
    store.put_many((author(count), friend) for count in FRIENDS for friend in friends_of(count))


class Poster:
    """Sends jobs; `accepted` is what was accepted so far. `folder`: where the doors are."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._rest = Rest.of(stack)
        self._sqs = stack.client("sqs")
        self._queue_url = stack.outputs["notificationsQueueUrl"]
        self._folder = folder
        self._lock = threading.Lock()
        self.accepted = Accepted()

    def send_all(self, jobs: Sequence[Job]) -> None:
        """Send the jobs, some at a time.

        Raises:
            ToolError: a job was not accepted in time.
        """
        with ThreadPoolExecutor(SENDERS) as senders:
            for _ in senders.map(self._send, jobs):
                pass

    def _send(self, job: Job) -> None:
        match job:
            case Post(friends):
                self._post(friends)
            case Sum(task_id, numbers, failures, countdown):
                self._start("add_up", task_id, [numbers, failures], countdown)
                self.accepted.sums[task_id] = job
            case Locked(task_id):
                door = self._folder / task_id
                self._start("go_through", task_id, [str(door)])
                self.accepted.doors[task_id] = door
            case Rank(task_id):
                self._start("select_populate_book", task_id, [])
                self.accepted.rankings.add(task_id)
            case Views():
                self._view(job)
            case OneOff():
                self._schedule(job)
            case Junk(body):
                self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
                with self._lock:
                    self.accepted.junk += 1

    def _post(self, friends: int) -> None:
        path, keys = f"/users/{author(friends)}/news", _Keys()
        body = self._ask(
            lambda: keys.told(self._rest.post(path, _NEWS, Idempotency_Key=keys.key)), "a post"
        )
        self.accepted.news.append(News(body["news_id"], body["task_id"], friends))

    def _start(self, task: str, task_id: str, args: Sequence[Any], countdown: int = 0) -> None:
        due = {"countdown": countdown} if countdown else {}
        body = {"args": args, "task_id": task_id, **due}
        self._ask(lambda: self._rest.post(f"/tasks/{task}", body), f"the task {task_id}")

    def _view(self, job: Views) -> None:
        """Post views, each try of a book of its own: a try without an answer may have counted."""
        tries = 0

        def look() -> bool:
            nonlocal tries
            book = f"{job.book}.{tries}"
            tries += 1
            self.accepted.maybe_views[book] = job.count
            if self._answer(
                lambda: self._rest.post("/views", {"views": [{"book": book}] * job.count})
            ):
                self.accepted.views[book] = self.accepted.maybe_views.pop(book)
                return True
            return False

        until(look, f"the views of {job.book} are taken", GIVE_UP_SECONDS, poll_seconds=0.5)

    def _schedule(self, job: OneOff) -> None:
        at_ms = (now_ms() // 1000 + job.seconds) * 1000
        body = {"task": "add_up", "args": [[1]], "at": iso(at_ms)}
        path = f"/schedules/{job.name}"
        self._ask(lambda: self._rest.call("PUT", path, body), f"the schedule {job.name}")
        self.accepted.one_offs[plan.task_id(job.name, at_ms)] = at_ms

    def _ask(self, call: Callable[[], Answer], what: str) -> Any:
        """Ask until the answer is good, and return its body."""
        answer = until(
            lambda: self._answer(call), f"{what} is accepted", GIVE_UP_SECONDS, poll_seconds=0.5
        )
        return answer.body

    def _answer(self, call: Callable[[], Answer]) -> Answer | None:
        """Ask once; None where there was no good answer.

        Raises:
            ToolError: the request is wrong.
        """
        try:
            answer = call()
        except ToolError:
            self._refused("no answer")
            return None
        if answer.status in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            return answer
        if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            raise ToolError(f"a request is wrong: {answer.body}")
        self._refused(str(answer.status))
        return None

    def _refused(self, what: str) -> None:
        with self._lock:
            self.accepted.refusals[what] += 1


class _Keys:
    """The Idempotency-Key of a post; a new one when the old is taken by a request that died."""

    def __init__(self) -> None:
        self.key = uuid.uuid4().hex

    def told(self, answer: Answer) -> Answer:
        """Take note of an answer, and return it."""
        if answer.status == HTTPStatus.CONFLICT:
            self.key = uuid.uuid4().hex
        return answer
