"""The campaign: all kinds of tasks in a storm of faults, then quiet, then everything is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from taskqueue.clock import now_ms
from taskqueue.records import states
from tests.benchmarks.report import Check, Section
from tests.chaos import checking
from tests.chaos.checking import Found
from tests.chaos.findings import find, letters
from tests.chaos.installing import functions_of
from tests.chaos.posting import SENDERS, Accepted, Poster
from tests.chaos.settling import quick_redelivery, wait_until_empty
from tests.chaos.workload import workload
from tests.faults.aws_proxy import intercepted_calls
from tests.faults.killer import KILL_EVERY_SECONDS, killed_in_turn
from tests.faults.local_function import LocalFunction
from tests.faults.storm import Rates, Storm
from tests.support.tasks import finished
from tools.errors import say
from tools.local.deployed import Stack
from tools.local.rest import Rest

TICK_SECONDS = 5.0
SETTLE_SECONDS = 300
# The messages of a worker that dies come back after its time limit, 60 s, and five more.
RECOVERY_SECONDS = 75.0
MAX_SAID = 10


@dataclass(frozen=True)
class Size:
    """So many jobs, and for so many seconds functions are killed while they are sent."""

    jobs: int
    seconds: float


FULL = Size(jobs=400, seconds=60)
SHORT = Size(jobs=150, seconds=20)


def measure(stack: Stack, runs: Path, seed: int, size: Size) -> Section:
    """Carry out the campaign that the seed draws. `runs`: where its tasks note their runs.

    Raises:
        ToolError: a job was not accepted, or the stack did not come to rest.
    """
    storm = Storm(stack.client("sqs"), stack.outputs["DeadLetterQueueUrl"], seed, Rates())
    poster = Poster(stack, runs.parent)
    functions = functions_of(stack)
    with (
        quick_redelivery(stack),
        intercepted_calls(stack, functions, ["dynamodb", "sqs"], storm),
    ):
        killed = _storm(stack, storm, poster, functions, seed, size)
        say(f"{'':14}all {size.jobs} jobs are accepted; it is quiet from now on")
        ended_ms = now_ms()
        wait_until_empty(stack, SETTLE_SECONDS)
        say(f"{'':14}no message is left after {(now_ms() - ended_ms) / 1000:.0f} s")
        found = find(stack, runs)
        unredriven = _redrive(stack, poster.accepted)
        wait_until_empty(stack, SETTLE_SECONDS)
        redriven = find(stack, runs)
    checks = _checks(poster.accepted, found, redriven, unredriven, ended_ms)
    values = _values(poster.accepted, found, storm, killed)
    return Section(f"A campaign of {size.jobs} jobs", checks, values, _METHOD)


def _storm(
    stack: Stack,
    storm: Storm,
    poster: Poster,
    functions: Sequence[str],
    seed: int,
    size: Size,
) -> int:
    """Send everything while everything fails; return how many processes were killed."""
    victims = [LocalFunction(stack, function) for function in functions]
    storm.begin()
    try:
        with ThreadPoolExecutor(1) as pool, _ticking(stack):
            sending = pool.submit(poster.send_all, workload(seed, size.jobs))
            with killed_in_turn(victims, storm.callers, seed) as killed:
                time.sleep(size.seconds)
            say(f"{'':14}{killed.total()} processes were killed")
            sending.result()
    finally:
        storm.end()
    return killed.total()


@contextmanager
def _ticking(stack: Stack) -> Iterator[None]:
    """While beat ticks every few seconds, beside the ticks of its rule."""
    client, name = stack.client("lambda"), LocalFunction(stack, "BeatFunction").name
    is_over = threading.Event()

    def tick() -> None:
        while not is_over.wait(TICK_SECONDS):
            client.invoke(FunctionName=name, InvocationType="Event")

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _redrive(stack: Stack, accepted: Accepted) -> list[str]:
    """Open the doors and redrive all letters of tasks; return the tasks that do not succeed.

    A worker that dies between a letter and its task's record leaves two letters of the task, the
    second of which may not be redriven any more.
    """
    for door in accepted.doors.values():
        door.touch()
    rest = Rest.of(stack)
    found = letters(stack)
    for letter in found:
        path = f"/dead-letters/{letter['id']}"
        is_gone = letter["task_id"] and rest.post(f"{path}/redrive").status == HTTPStatus.ACCEPTED
        if not is_gone:
            rest.delete(path).expect(HTTPStatus.NO_CONTENT)
    task_ids = {letter["task_id"] for letter in found if letter["task_id"]}
    ends = {task_id: finished(rest, task_id, SETTLE_SECONDS)["status"] for task_id in task_ids}
    return [f"task {one}: {status}" for one, status in ends.items() if status != states.SUCCESS]


def _checks(
    accepted: Accepted, found: Found, redriven: Found, unredriven: Sequence[str], ended_ms: int
) -> list[Check]:
    at_ms = now_ms()
    deliveries = sum(news.friends for news in accepted.news)
    delivered = sum(len(found.feeds.get(news.news_id, ())) for news in accepted.news)
    wrong = {
        "news that not exactly the friends have": checking.wrong_feeds(accepted, found),
        "tasks that ended wrongly": checking.wrong_ends(accepted, redriven),
        "tasks that never ended": checking.never_ended(accepted, redriven, at_ms),
        "wrong counts of retries": checking.wrong_retries(accepted, found),
        "wrong counts of views": checking.wrong_views(accepted, found),
        "runs too early, too late, or twice": checking.wrong_runs(redriven),
        "wrong dead letters": checking.wrong_letters(accepted, found),
        "redriven tasks that did not succeed": iter(unredriven),
        "dead letters left in the end": (str(one) for one in redriven.letters),
    }
    return [
        Check("deliveries", delivered, deliveries, "feeds", "exactly"),
        *(_none(what, list(cases)) for what, cases in wrong.items()),
        Check(
            "from the end of the storm to the end of the last task",
            checking.recovery_ms(found, ended_ms) / 1000,
            RECOVERY_SECONDS,
            "s",
        ),
    ]


def _none(what: str, cases: Sequence[str]) -> Check:
    """The check that there is no such case; those that there are, are printed."""
    for case in cases[:MAX_SAID]:
        say(f"{'':14}{what}: {case}")
    return Check(what, len(cases), 0, "cases", "exactly")


def _values(accepted: Accepted, found: Found, storm: Storm, killed: int) -> dict[str, str]:
    letters_by_reason: dict[str, int] = {}
    for letter in found.letters:
        letters_by_reason[letter["reason"]] = letters_by_reason.get(letter["reason"], 0) + 1
    accepted_by_kind = {
        "posts": len(accepted.news),
        "plain tasks": len(accepted.sums),
        "requests of views": len(accepted.views),
        "schedules": len(accepted.one_offs),
        "rankings": len(accepted.rankings),
        "tasks that fail": len(accepted.doors),
        "unreadable messages": accepted.junk,
    }
    left = list(checking.left_behind(accepted, found, now_ms()))
    return {
        "accepted": _listed(accepted_by_kind),
        "requests made again, by their answers": _listed(accepted.refusals),
        "processes killed": str(killed),
        "faults": _listed(storm.counts),
        "dead letters": _listed(letters_by_reason),
        "records of requests that died, PENDING": str(len(left)),
        "runs of plain tasks": f"{len(found.runs):,}",
    }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{what}: {number:,}" for what, number in sorted(counts.items()))


_METHOD = (
    f"{SENDERS} clients send the jobs to the API of the deployed stack. Meanwhile every "
    f"{KILL_EVERY_SECONDS} s all processes of one of the functions are killed by SIGKILL, each "
    f"function in its turn; proxies between the functions and AWS copy messages, deliver some "
    f"again while a worker has them, refuse writes and messages, alone, in part of a batch or for "
    f"a second at a time, and lose answers. When all jobs are accepted all is quiet, and when no "
    f"message is left, "
    f"everything is counted: the feeds of all users, the views of all books, the records of all "
    f"tasks, and every run that a task has noted of itself."
)
