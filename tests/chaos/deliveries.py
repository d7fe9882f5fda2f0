"""50,000 deliveries on the local AWS, with duplicates, throttled writes and killed workers."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus

from taskqueue.records import states
from tests.benchmarks.report import Check, Section
from tests.chaos.findings import feeds, records
from tests.chaos.installing import CONSUMER
from tests.chaos.posting import News, author, friends_of
from tests.chaos.settling import wait_until_empty
from tests.faults.aws_proxy import Answer, Call, intercepted_calls
from tests.faults.local_function import LocalFunction, kill
from tests.faults.storm import Rates, Storm
from tools.local.deployed import Stack
from tools.local.rest import Rest

# How many posts by users with so many friends.
POSTS = {1: 300, 7: 900, 60: 200, 1_045: 20, 2_100: 5}
DELIVERIES = sum(friends * number for friends, number in POSTS.items())
DOUBLED = Rates(copied=0.1, redelivered=0, throttled=0, unsent=0, unanswered=0, outage=0)
THROTTLED = replace(DOUBLED, throttled=0.05)
# Ten times as often as once in 1,000.
MESSAGES_PER_KILL = 100
# A worker dies at one of so many requests that follow.
REQUESTS_BEFORE_DEATH = 20
CLIENTS = 2
SETTLE_SECONDS = 300
PRODUCER = "ProducerFunction"


class KillsByCount:
    """An interceptor that kills one of a function's workers for every so many messages received."""

    def __init__(self, function: LocalFunction, storm: Storm, seed: int) -> None:
        self._function = function
        self._storm = storm
        self._draw = random.Random(seed)
        self._received = itertools.count(1)
        self._requests = itertools.count(1)
        self._kill_at: set[int] = set()
        self.killed = 0
        self.received = 0

    def __call__(self, call: Call) -> Answer | None:
        """Let the storm have the call, after which a worker may be dead."""
        answer = self._storm(call)
        request = next(self._requests)
        if call.action == "ChangeMessageVisibilityBatch":
            for _ in call.parameters["Entries"]:
                self.received = next(self._received)
                if self.received % MESSAGES_PER_KILL == 0:
                    self._kill_at.add(request + self._draw.randint(1, REQUESTS_BEFORE_DEATH))
        if request in self._kill_at:
            self._kill_one()
        return answer

    def _kill_one(self) -> None:
        if pids := self._function.pids():
            kill([self._draw.choice(pids)])
            self.killed += 1


def measure(stack: Stack, seed: int) -> Section:
    """Post, wait until all is delivered, and count.

    Raises:
        ToolError: a post was refused, or the stack did not come to rest.
    """
    started = time.monotonic()
    sqs, letters = stack.client("sqs"), stack.outputs["DeadLetterQueueUrl"]
    posts, storm = Storm(sqs, letters, seed, DOUBLED), Storm(sqs, letters, seed, THROTTLED)
    kills = KillsByCount(LocalFunction(stack, CONSUMER), storm, seed)
    with (
        intercepted_calls(stack, [PRODUCER], ["sqs"], posts),
        intercepted_calls(stack, [CONSUMER], ["dynamodb", "sqs"], kills),
    ):
        posts.begin()
        storm.begin()
        posted = _post_all(Rest.of(stack), seed)
        wait_until_empty(stack, SETTLE_SECONDS)
    taken = time.monotonic() - started
    found = feeds(stack)
    known = records(stack)
    delivered = sum(len(found.get(news.news_id, ())) for news in posted)
    wrong_feeds = sum(found.get(news.news_id, []) != friends_of(news.friends) for news in posted)
    wrong_ends = sum(
        (known[news.task_id].status, known[news.task_id].result) != (states.SUCCESS, news.friends)
        for news in posted
    )
    return Section(
        f"{DELIVERIES:,} deliveries on the local AWS",
        [
            Check("deliveries", delivered, DELIVERIES, "feeds", "exactly"),
            Check("posts with a wrong feed", wrong_feeds, 0, "posts", "exactly"),
            Check("posts with a wrong count or state", wrong_ends, 0, "posts", "exactly"),
        ],
        {
            "taken": f"{taken:.0f} s",
            "posts": f"{len(posted):,}",
            "messages received": f"{kills.received:,}",
            "workers killed": str(kills.killed),
            "messages sent twice": f"{posts.counts['copied'] + storm.counts['copied']:,}",
            "writes throttled": f"{storm.counts['throttled']:,}",
        },
        f"Posts by users with {', '.join(f'{count:,}' for count in POSTS)} friends, so that some "
        f"are delivered by the task itself and some by its parts; {DOUBLED.copied:.0%} of the "
        f"messages sent twice, {THROTTLED.throttled:.0%} of the consumer's writes throttled, and a "
        f"worker killed by SIGKILL for every {MESSAGES_PER_KILL} messages received.",
    )


def _post_all(rest: Rest, seed: int) -> Sequence[News]:
    posts = [friends for friends, number in POSTS.items() for _ in range(number)]
    random.Random(seed).shuffle(posts)

    def post(friends: int) -> News:
        path = f"/users/{author(friends)}/news"
        body = rest.post(path, {"text": "It blows."}).expect(HTTPStatus.ACCEPTED)
        return News(body["news_id"], body["task_id"], friends)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(post, posts))
