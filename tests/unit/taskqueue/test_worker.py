"""What the worker does with a batch, whatever happens on the way."""

import asyncio
import contextlib
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from taskqueue.app import App
from taskqueue.context import CONTINUED, DEFERRED, Context
from taskqueue.errors import GiveBack, Retry, StoreError, StoreRefused, Throttled
from taskqueue.groups.part import Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import Message, decode, encode
from taskqueue.records.lease import AlreadyFinished, Claim, NotClaimed
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.store import Finished
from taskqueue.testing.broker import lambda_event
from taskqueue.worker.acknowledgement import hidden_seconds
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS, RESERVED_MS
from taskqueue.worker.claims import MAX_CLAIM_BACKOFF_SECONDS
from taskqueue.worker.group_commit import GroupCommit
from tests.unit.taskqueue.deliveries import NOW_MS
from tests.unit.taskqueue.kombu_messages import PICKLED, PLAIN, base64_of
from tests.unit.taskqueue.rig import VISIBILITY_SECONDS, Died, Rig

REFUSED = ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "SQS")


class Tasks:
    """An app of tasks that end in every way, and the order in which they ran."""

    def __init__(self) -> None:
        self.app = App("test", queue="work")
        self.ran: list[str] = []
        for name, options in OPTIONS.items():
            function = getattr(self, name)
            self.app.task(name=name, bind=True, **options)(function)

    def add(self, run: Context, a: int, b: int = 0) -> int:
        self.ran.append(run.id)
        return a + b

    def fail(self, run: Context) -> None:
        self.ran.append(run.id)
        raise ValueError("no", run.retries)

    def flaky(self, run: Context, failures: int = 1) -> int:
        self.ran.append(run.id)
        if run.retries < failures:
            raise ConnectionError("not yet")
        return run.retries

    def ask(self, run: Context, countdown: float) -> str:
        self.ran.append(run.id)
        if run.retries == 0:
            run.retry(countdown=countdown, exc=KeyError("why"))
        return "asked"

    def leave(self, run: Context) -> None:
        self.ran.append(run.id)
        raise SystemExit(3)

    def die(self, run: Context) -> None:
        self.ran.append(run.id)
        raise Died

    def odd(self, run: Context, kind: str) -> Any:
        self.ran.append(run.id)
        values = {"object": object(), "nan": float("nan"), "large": "x" * 400_000, "set": {1}}
        return values[kind]

    def slow(self, run: Context) -> None:
        self.ran.append(run.id)
        time.sleep(5)

    def progress(self, run: Context) -> None:
        run.set_progress({"done": 1})

    def defer(self, run: Context) -> Any:
        self.ran.append(run.id)
        run.plan_parts(PartsPlan(1, 5, is_whole=True))
        return DEFERRED

    def harmless(self, run: Context) -> None:
        self.ran.append(run.id)

    def harmful(self, run: Context) -> None:
        self.ran.append(run.id)
        raise ConnectionError("gone")

    def short_lived(self, run: Context) -> None:
        self.ran.append(run.id)

    def quiet(self, run: Context) -> str:
        return "unheard"


OPTIONS: dict[str, dict[str, Any]] = {
    "add": {},
    "fail": {},
    "flaky": {
        "autoretry_for": (ConnectionError,),
        "retry_backoff": 2,
        "retry_jitter": False,
        "max_retries": 2,
    },
    "ask": {},
    "leave": {},
    "die": {},
    "odd": {},
    "slow": {"time_limit": 0.05},
    "progress": {},
    "defer": {},
    "harmless": {"idempotent": True},
    "harmful": {"idempotent": True, "autoretry_for": (ConnectionError,), "max_retries": 1},
    "short_lived": {"expires": 10},
    "quiet": {"ignore_result": True},
}


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def rig(tasks: Tasks) -> Rig:
    return Rig(tasks.app)


# ---------------------------------------------------------------- ends


def test_a_task_runs_and_its_result_is_stored(rig: Rig) -> None:
    rig.send(Message("add", "a", [1], {"b": 2}))
    assert rig.deliver() == 0
    record = rig.record("a")
    assert (record.status, record.result, record.attempts) == ("SUCCESS", 3, 1)
    assert (record.queue, record.finished_at_ms) == ("work", NOW_MS)
    assert rig.waiting() == []
    assert rig.metrics.counts == {"TasksSucceeded": 1, "TaskFailureRate": 0}


def test_a_message_of_a_stock_client_in_base64_runs(rig: Rig, tasks: Tasks) -> None:
    tasks.app.task(name="notify_friends")(lambda user, news, b: f"{user} {news} {b['x'][0]}")
    rig.send_bodies(base64_of(PLAIN))
    assert rig.deliver() == 0
    assert rig.record(json.loads(PLAIN)["headers"]["id"]).result == "80 n1 é"


def test_a_failure_is_stored_and_acknowledged(rig: Rig) -> None:
    rig.send(Message("fail", "a"))
    assert rig.deliver() == 0
    record = rig.record("a")
    assert record.status == "FAILURE"
    assert record.error is not None
    assert (record.error.type, record.error.args) == ("ValueError", ["no", 0])
    assert rig.reasons() == []
    assert rig.metrics.counts == {"TasksFailed": 1, "TaskFailureRate": 100}


def test_autoretry_sends_a_message_for_the_next_turn_after_the_backoff(
    rig: Rig, tasks: Tasks
) -> None:
    rig.send(Message("flaky", "a", [2]))
    assert rig.deliver() == 0
    # SQS delays in whole seconds: a second too little, which the worker waits out.
    assert rig.hidden_seconds() == [1]
    assert (rig.record("a").status, rig.record("a").retries) == ("RETRY", 1)
    rig.now_ms += 1_000
    assert rig.deliver() == 0
    assert rig.hidden_seconds() == [3]
    rig.now_ms += 3_000
    assert rig.deliver() == 0
    assert rig.slept == [1, 1]
    record = rig.record("a")
    assert (record.status, record.result, record.attempts, record.retries) == ("SUCCESS", 2, 3, 2)
    assert rig.reasons() == []


def test_a_task_asks_for_another_try(rig: Rig) -> None:
    rig.send(Message("ask", "a", [7.5]))
    rig.deliver()
    assert rig.hidden_seconds() == [6]
    record = rig.record("a")
    assert record.error is not None
    assert (record.status, record.error.type) == ("RETRY", "KeyError")
    rig.deliver_until_empty()
    record = rig.record("a")
    assert (record.result, record.finished_at_ms) == ("asked", NOW_MS + 7_500)


def test_a_countdown_beyond_what_sqs_delays_is_kept(rig: Rig, tasks: Tasks) -> None:
    day_ms = 24 * 60 * 60 * 1000
    rig.send(Message("ask", "a", [day_ms / 1000]))
    rig.deliver()
    rig.deliver_until_empty(at_most_seconds=day_ms)
    record = rig.record("a")
    assert record.result == "asked"
    assert record.started_at_ms is not None
    assert NOW_MS + day_ms <= record.started_at_ms < NOW_MS + day_ms + 5_000
    assert tasks.ran == ["a", "a"]


def test_exhausted_retries_are_a_failure_and_a_dead_letter(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("flaky", "a", [99]))
    rig.deliver_until_empty()
    assert rig.record("a").status == "FAILURE"
    assert rig.reasons() == ["failed after 2 retries: ConnectionError: not yet"]
    assert tasks.ran == ["a"] * 3
    (letter,) = rig.broker.messages(rig.dead_letters.url)
    last = decode(letter.body)
    assert (last.id, last.args, last.turn, last.after) == ("a", [99], 2, 2)
    assert letter.attributes["queue"]["StringValue"] == "work"
    assert letter.attributes["task_id"]["StringValue"] == "a"


def test_system_exit_ends_the_task_and_not_the_worker(rig: Rig) -> None:
    rig.send(Message("leave", "a"), Message("add", "b", [1]))
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["FAILURE", "SUCCESS"]


@pytest.mark.parametrize("kind", ["object", "nan", "large", "set"])
def test_a_result_that_cannot_be_stored_is_a_failure(rig: Rig, kind: str) -> None:
    rig.send(Message("odd", "a", [kind]), Message("add", "b", [1]))
    assert rig.deliver() == 0
    record = rig.record("a")
    assert record.error is not None
    assert record.error.type in ("TypeError", "ValueError")
    assert rig.record("b").status == "SUCCESS"


def test_the_task_s_time_limit(rig: Rig) -> None:
    rig.send(Message("slow", "a"), Message("add", "b", [1]))
    assert rig.deliver() == 0
    record = rig.record("a")
    assert record.error is not None
    assert (record.status, record.error.type) == ("FAILURE", "TimeLimitExceeded")
    assert rig.record("b").status == "SUCCESS"


def test_a_task_that_swallows_its_own_limit_has_failed_when_the_worker_s_time_ends_it(
    rig: Rig, tasks: Tasks
) -> None:
    @tasks.app.task(name="stubborn", time_limit=0.05)
    def stubborn() -> None:
        with contextlib.suppress(BaseException):
            time.sleep(5)
        time.sleep(5)

    rig.remaining_ms = RESERVED_MS + 200
    rig.send(Message("add", "first", [1]), Message("stubborn", "a"))
    assert rig.deliver() == 0
    record = rig.record("a")
    assert record.error is not None
    assert (record.status, record.error.type) == ("FAILURE", "TimeLimitExceeded")


def catches_its_limit() -> str:
    with contextlib.suppress(BaseException):
        time.sleep(5)
    return "late"


async def catches_its_limit_on_a_loop() -> str:
    with contextlib.suppress(BaseException):
        await asyncio.sleep(5)
    return "late"


@pytest.mark.parametrize("function", [catches_its_limit, catches_its_limit_on_a_loop])
def test_a_task_that_catches_its_limit_and_returns_has_outrun_it(
    rig: Rig, tasks: Tasks, function: Any
) -> None:
    tasks.app.task(name="late", time_limit=0.05)(function)
    rig.send(Message("late", "a"))
    assert rig.deliver() == 0
    error = rig.record("a").error
    assert error is not None
    assert (rig.record("a").status, error.type) == ("FAILURE", "TimeLimitExceeded")


def test_the_caller_s_time_limit(rig: Rig, tasks: Tasks) -> None:
    tasks.app.task(name="endless")(lambda: time.sleep(5))
    rig.send(Message("endless", "a", time_limit_seconds=0.05))
    assert rig.deliver() == 0
    assert rig.record("a").status == "FAILURE"


def test_an_ignored_result_is_not_stored_but_its_success_is(rig: Rig) -> None:
    rig.send(Message("quiet", "a"))
    rig.deliver()
    assert (rig.record("a").status, rig.record("a").result) == ("SUCCESS", None)


def test_a_deferred_task_stays_in_progress(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("defer", "a"))
    assert rig.deliver() == 0
    assert rig.record("a").status == "PROGRESS"
    assert rig.metrics.counts == {"TasksDeferred": 1}


def test_a_task_goes_on_in_its_next_turn_without_a_retry(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="stepwise", bind=True)
    def stepwise(run: Context) -> Any:
        tasks.ran.append(f"{run.message.turn}:{run.attempt}:{run.retries}")
        assert run.ends_at_ms - run.now_ms() == rig.remaining_ms - RESERVED_MS
        return CONTINUED if run.attempt < 3 else "done"

    rig.send(Message("stepwise", "a"))
    assert rig.deliver() == 0
    assert (rig.record("a").status, rig.record("a").turn) == ("PROGRESS", 1)
    rig.deliver_until_empty(at_most_seconds=0)
    assert tasks.ran == ["0:1:0", "1:2:0", "2:3:0"]
    assert (rig.record("a").status, rig.record("a").result) == ("SUCCESS", "done")


def test_a_part_that_ends_without_success_is_a_dead_letter_for_its_group(rig: Rig) -> None:
    part = Part("whole", 0)
    rig.send(
        Message("fail", "failed", part=part),
        Message("add", "expired", [1], part=part, expires_at_ms=NOW_MS),
        Message("add", "revoked", [1], part=part),
    )
    rig.store.enqueue(Message("add", "revoked", [1]), NOW_MS)
    rig.store.revoke("revoked", NOW_MS)
    assert rig.deliver() == 0
    assert sorted(rig.reasons()) == [
        "expired",
        "failed after 0 retries: ValueError: no, 0",
        "revoked",
    ]
    assert rig.statuses(["failed", "expired", "revoked"]) == ["FAILURE", "REVOKED", "REVOKED"]


def test_progress_is_shown_and_a_finished_task_keeps_it(rig: Rig) -> None:
    rig.send(Message("progress", "a"))
    rig.deliver()
    assert rig.record("a").progress == {"done": 1}


# ---------------------------------------------------------------- expiry and time


def test_a_task_past_its_expiry_is_revoked(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("add", "a", [1], expires_at_ms=NOW_MS), Message("short_lived", "b"))
    rig.now_ms += 10_000
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["REVOKED", "REVOKED"]
    assert tasks.ran == []
    assert rig.metrics.counts == {"TasksExpired": 2}


def test_a_task_not_yet_due_is_put_off_and_never_run_early(rig: Rig, tasks: Tasks) -> None:
    due_ms = NOW_MS + 100_500
    rig.send(Message("add", "a", [1], eta_ms=due_ms))
    (before,) = rig.waiting()
    assert rig.deliver() == 0
    (after,) = rig.waiting()
    assert (after.body, after.receive_count) == (before.body, 0)
    assert (rig.record("a").status, rig.record("a").due_at_ms) == ("PENDING", due_ms)
    assert rig.hidden_seconds() == [99]
    rig.deliver_until_empty()
    assert rig.slept == [1.5]
    assert rig.record("a").finished_at_ms == due_ms
    assert tasks.ran == ["a"]


def test_a_message_that_scheduler_sent_early_is_of_its_group_again(rig: Rig) -> None:
    rig.send(Message("add", "a", [1], eta_ms=NOW_MS + 60_000, group_id="ada"))
    assert [message.group_id for message in rig.waiting()] == [None]
    rig.deliver()
    assert [message.group_id for message in rig.waiting()] == ["ada"]


def test_a_task_due_within_two_seconds_is_waited_for(rig: Rig) -> None:
    rig.send(Message("add", "a", [1], eta_ms=NOW_MS + 2_000))
    assert rig.deliver() == 0
    assert rig.slept == [2]
    assert rig.record("a").finished_at_ms == NOW_MS + 2_000


def test_what_waits_for_its_time_runs_after_what_is_due(rig: Rig, tasks: Tasks) -> None:
    rig.send(
        Message("add", "second", [1], eta_ms=NOW_MS + 1_500),
        Message("add", "first", [1], eta_ms=NOW_MS + 900),
        Message("add", "now", [1]),
    )
    assert rig.deliver() == 0
    assert tasks.ran == ["now", "first", "second"]
    assert rig.slept == [0.9, 0.6]


def test_a_task_that_falls_due_while_others_run_is_not_lost(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="long")
    def long() -> None:
        rig.now_ms += 9_000

    rig.send(Message("long", "long"), Message("add", "a", [1], eta_ms=NOW_MS + 10_000))
    assert rig.deliver() == 0
    assert tasks.ran == []
    rig.deliver_until_empty()
    assert rig.record("a").status == "SUCCESS"


def test_a_very_distant_eta_is_put_off_again_and_again(rig: Rig, tasks: Tasks) -> None:
    due_ms = NOW_MS + 3 * 24 * 60 * 60 * 1000
    rig.send(Message("add", "a", [1], eta_ms=due_ms))
    rig.deliver_until_empty(at_most_seconds=4 * 24 * 60 * 60)
    assert rig.record("a").finished_at_ms == due_ms


# ---------------------------------------------------------------- poison


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("junk", "neither JSON nor base64"),
        (PICKLED, "only JSON is run"),
        (encode(Message("nope", "x")), "unknown task 'nope'"),
        (encode(Message("add", "x")), "do not fit add"),
        (encode(Message("add", "x", [1], {"c": "\u0007" * 9_000})), "do not fit add"),
        (encode(Message("add", "x", [1], {"\u0007" * 9_000: 1})), "do not fit add"),
    ],
)
def test_poison_is_a_dead_letter_at_once_and_the_rest_goes_on(
    rig: Rig, body: str, reason: str
) -> None:
    rig.send(Message("add", "a", [1]))
    rig.send_bodies(body)
    rig.send(Message("add", "b", [2]))
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["SUCCESS", "SUCCESS"]
    (found,) = rig.reasons()
    assert reason in found
    assert found.isprintable()
    (letter,) = rig.broker.messages(rig.dead_letters.url)
    assert letter.body == body
    counts = {"TasksSucceeded": 2, "TasksFailed": 1}
    assert rig.metrics.counts == {**counts, "TaskFailureRate": pytest.approx(100 / 3)}


@pytest.mark.parametrize("argument", [float("nan"), [[[]]] * 100, "\ud800"])
def test_odd_arguments_do_not_spoil_the_batch(rig: Rig, tasks: Tasks, argument: Any) -> None:
    tasks.app.task(name="take")(lambda _: "taken")
    rig.send(Message("add", "a", [1]))
    content = json.dumps([[argument], {}, {}])
    envelope = json.loads(PLAIN)
    envelope["headers"] |= {"task": "take", "id": "odd"}
    envelope["body"] = base64_of(content)
    rig.send_bodies(json.dumps(envelope))
    assert rig.deliver() == 0
    assert rig.statuses(["a", "odd"]) == ["SUCCESS"] * 2


# ---------------------------------------------------------------- duplicates and leases


def test_a_duplicate_within_the_batch_runs_once(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("add", "a", [1]), Message("add", "a", [1]), Message("add", "b", [1]))
    assert rig.deliver() == 0
    assert tasks.ran == ["a", "b"]


def test_one_message_that_comes_twice_in_a_batch_runs_once(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("add", "a", [1]))
    [one] = rig.broker.receive_message(QueueUrl=rig.queue.url)["Messages"]
    event = lambda_event(rig.queue, [one, {**one, "ReceiptHandle": "another"}])
    assert rig.worker().handle(event, rig._invocation()) == {"batchItemFailures": []}
    assert tasks.ran == ["a"]


def test_the_holder_s_own_message_is_kept_though_a_copy_is_in_its_batch(
    rig: Rig, tasks: Tasks
) -> None:
    message = Message("add", "a", [1])
    rig.send(message, message)
    holder, _ = [one.id for one in rig.waiting()]
    rig.store.claim([Claim(message, NOW_MS + 20_000, holder, "n-0")], NOW_MS)
    received = rig.broker.receive_message(QueueUrl=rig.queue.url, MaxNumberOfMessages=10)
    copies = received["Messages"][::-1]
    response = rig.worker().handle(lambda_event(rig.queue, copies), rig._invocation())
    assert response == {"batchItemFailures": [{"itemIdentifier": holder}]}
    rig.deliver_until_empty()
    assert (tasks.ran, rig.record("a").status) == (["a"], "SUCCESS")


def test_a_duplicate_of_a_task_that_is_retried_leaves_one_message(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("flaky", "a"), Message("flaky", "a"))
    assert rig.deliver() == 0
    assert len(rig.waiting()) == 1
    rig.deliver_until_empty()
    assert tasks.ran == ["a", "a"]
    assert rig.record("a").status == "SUCCESS"


def test_a_duplicate_in_a_later_batch_does_nothing(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("add", "a", [1]), Message("fail", "b"))
    rig.deliver(lose_acknowledgement=True)
    assert len(rig.waiting()) == 2
    rig.now_ms += VISIBILITY_SECONDS * 1000
    assert rig.deliver() == 0
    assert tasks.ran == ["a", "b"]
    assert rig.waiting() == []


def test_a_copy_of_a_task_that_another_message_holds_is_acknowledged(
    rig: Rig, tasks: Tasks
) -> None:
    message = Message("add", "a", [1])
    rig.store.claim([Claim(message, NOW_MS + 20_000, "another", "n-0")], NOW_MS)
    rig.send(message)
    assert rig.deliver() == 0
    assert rig.waiting() == []
    assert tasks.ran == []


def test_the_holder_s_own_message_comes_back_when_its_lease_is_over(rig: Rig, tasks: Tasks) -> None:
    message = Message("add", "a", [1])
    rig.send(message)
    (waiting,) = rig.waiting()
    rig.store.claim([Claim(message, NOW_MS + 20_000, waiting.id, "n-0")], NOW_MS)
    assert rig.deliver() == 1
    assert rig.hidden_seconds() == [21]
    assert tasks.ran == []
    rig.deliver_until_empty()
    assert (tasks.ran, rig.record("a").attempts) == (["a"], 2)


def test_a_dead_worker_s_task_is_taken_over_and_its_late_write_refused(
    rig: Rig, tasks: Tasks
) -> None:
    message = Message("add", "a", [1])
    rig.send(message)
    late = rig.worker()
    batch = rig.broker.receive_message(QueueUrl=rig.queue.url)["Messages"]
    rig.now_ms += rig.remaining_ms
    finish = rig.store.finish
    writes: list[Any] = []

    def withheld(ends: Any) -> list[Finished]:
        """Stand in for a worker that is frozen just before it writes."""
        writes.append(ends)
        return [Finished.LOST] * len(ends)

    rig.store.finish = withheld  # type: ignore[method-assign]
    rig.now_ms = NOW_MS
    response = late.handle(lambda_event(rig.queue, batch), rig._invocation())
    assert len(response["batchItemFailures"]) == 1
    rig.store.finish = finish  # type: ignore[method-assign]

    rig.now_ms += VISIBILITY_SECONDS * 1000
    assert rig.deliver() == 0
    assert rig.record("a").attempts == 2
    assert rig.store.finish(writes[0]) == [Finished.LOST]
    assert rig.record("a").attempts == 2
    assert tasks.ran == ["a", "a"]


def test_a_task_over_which_five_workers_died_is_a_dead_letter(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("die", "a"))
    for _ in range(MAX_LOST_ATTEMPTS):
        with pytest.raises(Died):
            rig.deliver()
        rig.now_ms += VISIBILITY_SECONDS * 1000
    assert rig.deliver() == 0
    assert rig.reasons() == ["its worker died 5 times"]
    assert tasks.ran == ["a"] * 5
    assert rig.waiting() == []


def test_the_others_of_a_batch_are_settled_when_a_task_kills_it(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("add", "a", [1]), Message("die", "b"), Message("add", "c", [1]))
    with pytest.raises(Died):
        rig.deliver()
    assert rig.record("a").status == "SUCCESS"
    assert (rig.record("c").status, rig.record("c").attempts) == ("STARTED", 1)


def lost_at_once(rig: Rig, message: Message) -> None:
    """Let a worker claim a task, and its lease pass."""
    rig.store.claim([Claim(message, rig.now_ms, "of a dead worker", "n-0")], rig.now_ms)


def test_what_others_have_done_is_written_before_a_task_that_killed_workers_runs(
    rig: Rig, tasks: Tasks
) -> None:
    @tasks.app.task(name="kill")
    def kill() -> None:
        rig.fuse.dead = True
        raise Died

    lost_at_once(rig, Message("kill", "killer"))
    rig.send(Message("kill", "killer"), Message("add", "bystander", [1]))
    with pytest.raises(Died):
        rig.deliver()
    assert rig.statuses(["killer", "bystander"]) == ["STARTED", "SUCCESS"]


def test_progress_is_told_by_whoever_has_the_task_now(rig: Rig) -> None:
    lost_at_once(rig, Message("progress", "a"))
    rig.send(Message("progress", "a"))
    assert rig.deliver() == 0
    assert (rig.record("a").attempts, rig.record("a").progress) == (2, {"done": 1})


@pytest.mark.parametrize(("left_ms", "seconds"), [(1_001, 2), (1_000, 1), (0, 0), (-5_000, 0)])
def test_a_message_is_hidden_for_whole_seconds_and_not_too_short(
    left_ms: int, seconds: int
) -> None:
    assert hidden_seconds(left_ms) == seconds


def test_the_bystanders_of_tasks_that_kill_their_worker_get_through(rig: Rig, tasks: Tasks) -> None:
    bystanders = [f"bystander {number}" for number in range(7)]
    killers = ["killer 1", "killer 2"]
    rig.send(*[Message("die", name) for name in killers])
    rig.send(*[Message("add", name, [1]) for name in bystanders])
    rig.send_bodies("junk")
    while rig.waiting():
        rig.now_ms = max(rig.now_ms, min(message.visible_at_ms for message in rig.waiting()))
        with contextlib.suppress(Died):
            rig.deliver()
    assert rig.statuses(bystanders) == ["SUCCESS"] * 7
    assert [tasks.ran.count(name) for name in bystanders] == [1] * 7
    # The first death counts for both: nobody knew yet which of them it was.
    assert sum(tasks.ran.count(name) for name in killers) == 2 * MAX_LOST_ATTEMPTS - 1
    assert rig.reasons().count("its worker died 5 times") == 2
    assert len(rig.reasons()) >= 3


# ---------------------------------------------------------------- tasks without a record


def test_an_idempotent_task_makes_no_record(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("harmless", "a"), Message("harmless", "a"))
    assert rig.deliver() == 0
    assert tasks.ran == ["a", "a"]
    assert rig.store.get("a") is None
    assert rig.fuse.calls == ["change_message_visibility_batch"]


def test_an_idempotent_task_has_a_record_from_its_first_retry_on(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("harmful", "a"))
    rig.deliver()
    assert rig.store.get("a") is None
    rig.deliver_until_empty()
    assert tasks.ran == ["a", "a"]
    assert (rig.record("a").status, rig.record("a").retries) == ("FAILURE", 1)
    assert rig.reasons() == ["failed after 1 retries: ConnectionError: gone"]


def test_an_idempotent_task_that_kills_its_workers_is_a_dead_letter(rig: Rig, tasks: Tasks) -> None:
    tasks.app.task(name="deadly", bind=True, idempotent=True)(tasks.die)
    rig.send(Message("deadly", "a"))
    while rig.waiting():
        rig.now_ms = max(rig.now_ms, min(message.visible_at_ms for message in rig.waiting()))
        with contextlib.suppress(Died):
            rig.deliver()
    assert tasks.ran == ["a"] * (MAX_LOST_ATTEMPTS + 1)
    assert rig.reasons() == [f"its worker died {MAX_LOST_ATTEMPTS} times"]


# ---------------------------------------------------------------- failing services


def test_a_store_that_throttles_at_the_claim_brings_the_batch_back(rig: Rig, tasks: Tasks) -> None:
    rig.fuse.errors["claim"] = [Throttled()]
    rig.send(Message("add", "a", [1]), Message("add", "b", [1]), Message("harmless", "c"))
    rig.send_bodies("junk")
    assert rig.deliver() == 2
    assert tasks.ran == ["c"]
    assert len(rig.reasons()) == 1
    assert all(0 <= seconds <= 60 for seconds in rig.hidden_seconds())
    rig.deliver_until_empty()
    assert rig.statuses("ab") == ["SUCCESS", "SUCCESS"]


def test_a_claim_that_fails_alone_brings_its_message_back(rig: Rig, tasks: Tasks) -> None:
    claim = rig.store.claim

    def partly(claims: Any, now_ms: int) -> Any:
        return [*claim(claims[:1], now_ms), NotClaimed("ThrottlingError")]

    rig.store.claim = partly  # type: ignore[method-assign]
    rig.send(Message("add", "a", [1]), Message("add", "b", [1]))
    assert rig.deliver() == 1
    assert tasks.ran == ["a"]
    rig.store.claim = claim  # type: ignore[method-assign]
    rig.deliver_until_empty()
    (late,) = rig.store.claim([Claim(Message("add", "b"), 0, "another", "n-0")], NOW_MS)
    assert late == AlreadyFinished("SUCCESS")
    assert rig.statuses("ab") == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize("error", [Throttled(), StoreError()])
def test_a_store_that_fails_at_the_end_makes_the_task_run_again(
    rig: Rig, tasks: Tasks, error: StoreError
) -> None:
    rig.fuse.errors["finish"] = [error]
    rig.send(Message("add", "a", [1]))
    assert rig.deliver() == 1
    rig.deliver_until_empty()
    assert rig.record("a").status == "SUCCESS"
    assert tasks.ran == ["a", "a"]


def test_ends_that_are_not_written_for_long_count_as_no_dead_worker(rig: Rig, tasks: Tasks) -> None:
    times = 2 * MAX_LOST_ATTEMPTS
    rig.fuse.errors["finish"] = [Throttled() for _ in range(times)]
    rig.send(Message("add", "a", [1]))
    assert rig.deliver() == 1
    assert rig.record("a").status == "PENDING"
    assert 1 <= rig.hidden_seconds()[0] <= 2
    rig.deliver_until_empty()
    assert (rig.record("a").status, rig.reasons()) == ("SUCCESS", [])
    assert tasks.ran == ["a"] * (times + 1)


def test_of_a_batch_only_the_end_that_was_not_written_runs_again(rig: Rig, tasks: Tasks) -> None:
    finish = rig.store.finish

    def partly(ends: Any) -> list[Finished]:
        return [*finish(ends[:1]), Finished.FAILED]

    rig.store.finish = partly  # type: ignore[method-assign]
    rig.send(Message("add", "a", [1]), Message("add", "b", [1]))
    assert rig.deliver() == 1
    assert rig.statuses("ab") == ["SUCCESS", "PENDING"]
    rig.store.finish = finish  # type: ignore[method-assign]
    rig.deliver_until_empty()
    assert (rig.statuses("ab"), tasks.ran) == (["SUCCESS", "SUCCESS"], ["a", "b", "b"])


def test_an_end_that_is_refused_for_good_waits_out_its_lease(rig: Rig, tasks: Tasks) -> None:
    """Given back, it would run again every minute until SQS gives it up."""
    rig.fuse.errors["finish"] = [StoreRefused()]
    rig.send(Message("add", "a", [1]))
    assert rig.deliver() == 1
    assert rig.record("a").status == "STARTED"
    assert rig.hidden_seconds() == [35]


@pytest.mark.parametrize("countdown", [0, 5, 600])
def test_a_retry_that_is_sent_but_not_recorded_runs_at_its_time(
    rig: Rig, tasks: Tasks, countdown: int
) -> None:
    rig.fuse.errors["finish"] = [Throttled()]
    rig.send(Message("ask", "a", [countdown]))
    assert rig.deliver() == 1
    assert rig.record("a").status == "PENDING"
    rig.deliver_until_empty()
    record = rig.record("a")
    assert (record.result, record.retries, record.attempts) == ("asked", 1, 2)
    assert (record.started_at_ms, tasks.ran) == (NOW_MS + countdown * 1000, ["a", "a"])


def test_a_dead_letter_s_task_whose_end_is_not_written_is_left_to_its_burial(
    rig: Rig, tasks: Tasks
) -> None:
    rig.fuse.errors["finish"] = [Throttled()]
    rig.send(Message("flaky", "a", [99], retries=2))
    assert rig.deliver() == 1
    assert rig.reasons() == ["failed after 2 retries: ConnectionError: not yet"]
    assert rig.hidden_seconds() == [MAX_CLAIM_BACKOFF_SECONDS]
    error = ErrorInfo("ConnectionError", [], "builtins")
    assert rig.store.fail(Message("flaky", "a", turn=2), error, rig.now_ms, attempt=1)
    rig.deliver_until_empty()
    assert (rig.record("a").status, tasks.ran) == ("FAILURE", ["a"])


def test_a_retry_that_cannot_be_sent_is_not_recorded_and_runs_again(rig: Rig, tasks: Tasks) -> None:
    times = 2 * MAX_LOST_ATTEMPTS
    rig.fuse.errors["send_message_batch"] = [REFUSED for _ in range(times)]
    rig.send(Message("ask", "a", [100]))
    assert rig.deliver() == 1
    assert rig.record("a").status == "PENDING"
    assert 1 <= rig.hidden_seconds()[0] <= 2
    rig.deliver_until_empty()
    record = rig.record("a")
    assert (record.result, tasks.ran) == ("asked", ["a"] * (times + 2))
    assert rig.reasons() == []


def test_a_dead_letter_that_is_not_taken_for_long_counts_as_no_dead_worker(rig: Rig) -> None:
    rig.fuse.errors["send_message"] = [REFUSED for _ in range(2 * MAX_LOST_ATTEMPTS)]
    rig.send(Message("flaky", "a", [99], retries=2))
    assert rig.deliver() == 1
    assert rig.record("a").status == "PENDING"
    rig.deliver_until_empty()
    assert rig.reasons() == ["failed after 2 retries: ConnectionError: not yet"]
    assert rig.record("a").status == "FAILURE"


@pytest.mark.parametrize("call", ["finish", "send_message_batch"])
def test_what_fails_unforeseen_at_the_end_of_one_keeps_no_other(
    rig: Rig, tasks: Tasks, call: str
) -> None:
    rig.fuse.errors[call] = [ZeroDivisionError(), ZeroDivisionError()]
    rig.send(*[Message("ask", one, [0]) for one in "abc"])
    assert rig.deliver() == 1
    assert sorted(rig.statuses("abc")) == ["RETRY", "RETRY", "STARTED"]
    rig.deliver_until_empty()
    assert [rig.record(one).result for one in "abc"] == ["asked"] * 3


def test_what_fails_unforeseen_when_one_is_put_off_keeps_no_other(rig: Rig, tasks: Tasks) -> None:
    rig.fuse.errors["send_message_batch"] = [ZeroDivisionError(), ZeroDivisionError()]
    rig.send(*[Message("add", one, [1], eta_ms=NOW_MS + 60_000) for one in "abc"])
    rig.send(Message("add", "now", [1]))
    assert rig.deliver() == 1
    assert rig.record("now").status == "SUCCESS"
    rig.deliver_until_empty()
    assert sorted(tasks.ran) == ["a", "b", "c", "now"]


def test_a_request_that_one_message_spoils_is_sent_message_by_message(
    rig: Rig, tasks: Tasks
) -> None:
    spoilt = ClientError({"Error": {"Code": "InvalidParameterValue", "Message": ""}}, "SQS")
    rig.fuse.errors["send_message_batch"] = [spoilt, spoilt]
    rig.send(*[Message("ask", one, [0]) for one in "abc"])
    assert rig.deliver() == 0
    assert rig.statuses("abc") == ["FAILURE", "RETRY", "RETRY"]
    assert len(rig.reasons()) == 1


def test_a_task_put_off_that_cannot_be_sent_comes_back(rig: Rig, tasks: Tasks) -> None:
    due_ms = NOW_MS + 300_000
    rig.fuse.errors["send_message_batch"] = [REFUSED]
    rig.send(Message("add", "a", [1], eta_ms=due_ms))
    assert rig.deliver() == 1
    rig.deliver_until_empty()
    assert (rig.record("a").finished_at_ms, tasks.ran) == (due_ms, ["a"])


def test_a_task_put_off_whose_record_cannot_be_written_comes_back(rig: Rig, tasks: Tasks) -> None:
    rig.fuse.errors["enqueue"] = [Throttled()]
    rig.send(Message("add", "a", [1], eta_ms=NOW_MS + 300_000))
    assert rig.deliver() == 1
    rig.deliver_until_empty()
    assert tasks.ran == ["a"]


def test_a_retry_that_overtakes_its_record_runs_once(rig: Rig, tasks: Tasks) -> None:
    """A worker that dies between the send of a retry and its record."""
    rig.fuse.errors["finish"] = [Died()]  # type: ignore[list-item]
    rig.send(Message("ask", "a", [0]))
    with pytest.raises(Died):
        rig.deliver()
    assert rig.record("a").status == "STARTED"
    assert rig.deliver() == 0
    rig.deliver_until_empty()
    record = rig.record("a")
    assert (record.result, record.retries, record.attempts) == ("asked", 1, 2)
    assert tasks.ran == ["a", "a"]


def test_a_retry_that_sqs_refuses_for_good_is_a_failure_at_once(rig: Rig, tasks: Tasks) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "SQS")
    rig.fuse.errors["send_message_batch"] = [denied]
    rig.fuse.errors["send_message"] = [REFUSED]
    rig.send(Message("flaky", "a", [99]))
    assert rig.deliver() == 1, "its dead letter is sent first"
    rig.fuse.errors["send_message_batch"] = [denied]
    rig.deliver_until_empty()
    record = rig.record("a")
    assert (record.status, record.retries, tasks.ran) == ("FAILURE", 0, ["a", "a"])
    assert rig.reasons() == [
        "failed after 0 retries: SendRefused: the queue refused the message: AccessDenied"
    ]
    assert rig.metrics.counts["TasksFailed"] == 1


def test_a_dead_letter_that_cannot_be_sent_is_sent_later(rig: Rig) -> None:
    rig.fuse.errors["send_message"] = [REFUSED, REFUSED]
    rig.send_bodies("junk")
    rig.send(Message("harmful", "b"), Message("add", "a", [1]))
    rig.deliver_until_empty()
    assert sorted(rig.reasons())[0].startswith("failed after")
    assert any("neither JSON" in reason for reason in rig.reasons())
    assert rig.record("a").status == "SUCCESS"


def test_an_exhausted_task_is_no_failure_before_its_dead_letter_is_sent(
    rig: Rig, tasks: Tasks
) -> None:
    rig.send(Message("flaky", "a", [99]))
    rig.fuse.errors["send_message"] = [REFUSED]
    rig.deliver_until_empty()
    assert rig.record("a").status == "FAILURE"
    assert rig.reasons() == ["failed after 2 retries: ConnectionError: not yet"]
    assert tasks.ran == ["a"] * 4
    (letter,) = rig.broker.messages(rig.dead_letters.url)
    assert letter.attributes["attempt"]["StringValue"] == "4"


def test_a_task_for_which_no_time_is_left_is_given_back(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="long")
    def long() -> None:
        rig.now_ms += 29_500

    rig.send(Message("long", "long"), Message("add", "a", [1]), Message("harmless", "b"))
    assert rig.deliver() == 2
    assert tasks.ran == []
    assert rig.hidden_seconds() == [0, 0]
    assert (rig.record("a").status, rig.record("a").attempts) == ("PENDING", 1)
    assert rig.deliver() == 0
    assert (rig.record("a").status, rig.record("a").attempts) == ("SUCCESS", 2)
    assert tasks.ran == ["a", "b"]


def test_a_task_is_given_back_when_what_the_worker_needs_is_throttled() -> None:
    app = App("test", queue="work")
    throttled = [GiveBack("the table is throttled")]

    @app.task(autoretry_for=(Exception,))
    def send_on() -> str:
        if throttled:
            raise throttled.pop()
        return "sent"

    rig = Rig(app)
    rig.send(Message("send_on", "g"))
    assert rig.deliver() == 1
    assert rig.record("g").status == "PENDING"
    assert 1 <= rig.hidden_seconds()[0] <= 2
    rig.deliver_until_empty()
    assert (rig.record("g").result, rig.record("g").retries) == ("sent", 0)


@pytest.mark.parametrize("task_name", ["add", "later"])
def test_the_first_task_of_a_batch_without_time_is_given_back_too(
    rig: Rig, tasks: Tasks, task_name: str
) -> None:
    @tasks.app.task(name="later")
    async def later(_number: int) -> None: ...

    rig.remaining_ms = 500
    rig.send(Message(task_name, "a", [1]))
    assert rig.deliver() == 1
    assert (rig.statuses("a"), tasks.ran) == (["PENDING"], [])


def test_a_task_that_the_end_of_the_batch_stops_has_not_failed(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="endless", bind=True)
    def endless(run: Context) -> None:
        tasks.ran.append(run.id)
        if run.attempt == 1:
            time.sleep(5)

    rig.remaining_ms = 1_200
    rig.send(Message("add", "a", [1]), Message("endless", "b"))
    assert rig.deliver() == 1
    assert rig.statuses("ab") == ["SUCCESS", "PENDING"]
    rig.deliver_until_empty()
    assert (rig.record("b").status, tasks.ran) == ("SUCCESS", ["a", "b", "b"])


def test_what_was_given_back_goes_first(rig: Rig, tasks: Tasks) -> None:
    given_back = Message("add", "b", [1])
    lost_at_once(rig, given_back)
    assert rig.store.release("b", 1)
    rig.send(Message("add", "a", [1]), given_back)
    assert rig.deliver() == 0
    assert tasks.ran == ["b", "a"]


def test_a_task_that_cannot_be_given_back_still_comes_back(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="long")
    def long() -> None:
        rig.now_ms += 29_500

    rig.fuse.errors["release"] = [StoreError()]
    rig.send(Message("long", "long"), Message("add", "a", [1]))
    assert rig.deliver() == 1
    rig.deliver_until_empty()
    assert rig.record("a").status == "SUCCESS"


# ---------------------------------------------------------------- requests


def test_a_batch_is_hidden_claimed_and_finished_in_one_request_each(rig: Rig) -> None:
    rig.send(*[Message("add", f"id-{number}", [number]) for number in range(10)])
    assert rig.deliver() == 0
    assert rig.fuse.calls == ["change_message_visibility_batch", "claim", "finish"]


def test_retries_of_a_batch_are_sent_in_one_request(rig: Rig) -> None:
    rig.send(*[Message("ask", f"id-{number}", [60]) for number in range(10)])
    assert rig.deliver() == 0
    assert rig.fuse.calls == [
        "change_message_visibility_batch",
        "claim",
        "send_message_batch",
        "finish",
    ]


def test_the_messages_of_a_worker_that_dies_come_back_soon(rig: Rig) -> None:
    rig.send(Message("die", "a"), Message("add", "b", [1]))
    with pytest.raises(Died):
        rig.deliver()
    assert rig.hidden_seconds() == [rig.remaining_ms / 1000 + 5] * 2


def test_a_finished_task_never_reads_started_while_another_runs(rig: Rig, tasks: Tasks) -> None:
    seen: list[str] = []

    @tasks.app.task(name="look")
    def look() -> None:
        until = time.monotonic() + 5
        while rig.record("first").status == "STARTED" and time.monotonic() < until:
            time.sleep(0.001)
        seen.append(rig.record("first").status)

    rig.send(Message("add", "first", [1]), Message("look", "second"))
    assert rig.deliver(worker=rig.worker(soon=GroupCommit())) == 0
    assert seen == ["SUCCESS"]
    assert rig.statuses(["first", "second"]) == ["SUCCESS"] * 2


def test_a_task_whose_own_limit_no_longer_fits_is_not_begun(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="limited", time_limit=20)
    def limited() -> None:
        rig.now_ms += 15_000

    rig.send(Message("limited", "a"), Message("limited", "b"), Message("add", "c", [1]))
    assert rig.deliver() == 1
    assert rig.statuses("abc") == ["SUCCESS", "PENDING", "SUCCESS"]
    rig.remaining_ms = 10_000
    rig.deliver_until_empty()
    assert rig.record("b").status == "SUCCESS"


def test_a_task_that_says_it_is_deferred_must_have_planned(rig: Rig, tasks: Tasks) -> None:
    tasks.app.task(name="forgetful")(lambda: DEFERRED)
    rig.send(Message("forgetful", "a"))
    assert rig.deliver() == 0
    error = rig.record("a").error
    assert error is not None
    assert (rig.record("a").status, error.type) == ("FAILURE", "RuntimeError")


def test_a_result_that_is_no_json_is_not_tried_again(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="eager", autoretry_for=(Exception,))
    def eager() -> object:
        tasks.ran.append("eager")
        return object()

    rig.send(Message("eager", "a"))
    rig.deliver_until_empty()
    assert tasks.ran == ["eager"]
    assert rig.record("a").status == "FAILURE"


class Closed(dict[str, int]):
    """A result that can no longer be read when it is written as JSON."""

    def items(self) -> Any:
        raise LookupError


async def lazily() -> Any:
    return Closed(a=1)


@pytest.mark.parametrize("function", [lazily, lambda: Closed(a=1)], ids=["async", "sync"])
def test_a_result_that_cannot_be_read_is_a_failure_at_once(
    rig: Rig, tasks: Tasks, function: Any
) -> None:
    tasks.app.task(name="lazy")(function)
    rig.send(Message("lazy", "a"))
    assert rig.deliver() == 0
    assert rig.record("a").status == "FAILURE"


@pytest.mark.parametrize("countdown", [float("inf"), float("nan"), "soon"])
def test_a_retry_that_makes_no_sense_is_a_failure(rig: Rig, tasks: Tasks, countdown: Any) -> None:
    @tasks.app.task(name="odd_retry", bind=True)
    def odd_retry(run: Context) -> None:
        tasks.ran.append("odd")
        raise Retry(countdown)

    rig.send(Message("odd_retry", "a"))
    rig.deliver_until_empty()
    assert (tasks.ran, rig.record("a").status) == (["odd"], "FAILURE")


def test_a_turn_from_elsewhere_does_not_lock_a_task(rig: Rig, tasks: Tasks) -> None:
    rig.send(Message("flaky", "a", [1], turn=1_000_000_000))
    rig.deliver_until_empty()
    assert (tasks.ran, rig.statuses("a")) == (["a", "a"], ["SUCCESS"])


def test_a_caller_s_own_headers_are_not_taken_for_the_queue_s(rig: Rig, tasks: Tasks) -> None:
    seen: list[Any] = []
    tasks.app.task(name="look", bind=True)(lambda run: seen.append(run.message.headers))
    rig.send(Message("look", "a", headers={"turn": 5, "after": 1, "depth": 100}))
    rig.deliver()
    assert seen == [{"turn": 5, "after": 1, "depth": 100}]
    assert rig.record("a").turn == 0


@pytest.mark.parametrize("hook", ["before_start", "on_success", "on_failure", "on_retry"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_hook_that_hangs_ends_with_the_worker_s_time(
    rig: Rig, tasks: Tasks, hook: str, is_async: bool
) -> None:
    def hang(*_told: Any) -> None:
        time.sleep(5)

    def run(run: Context) -> None:
        if hook == "on_retry" and run.retries == 0:
            run.retry(countdown=1)
        if hook == "on_failure":
            raise ValueError

    async def run_async(context: Context) -> None:
        run(context)

    hooks: dict[str, Any] = {hook: hang}
    tasks.app.task(name="hung", bind=True, **hooks)(run_async if is_async else run)
    rig.remaining_ms = 1_050
    rig.send(Message("hung", "a"))
    started = time.monotonic()
    rig.deliver()
    assert time.monotonic() - started < 2
    ends = {"before_start": "FAILURE", "on_success": "SUCCESS", "on_retry": "RETRY"}
    assert rig.record("a").status == ends.get(hook, "FAILURE")


def test_a_hook_that_ends_the_process_does_not(rig: Rig, tasks: Tasks) -> None:
    def leave(_run: Context, _value: Any) -> None:
        raise SystemExit

    tasks.app.task(name="hooked", on_success=leave)(lambda: "done")
    rig.send(Message("hooked", "a"), Message("add", "b", [1]))
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["SUCCESS", "SUCCESS"]


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, GeneratorExit, type("Own", (BaseException,), {})]
)
def test_whatever_a_task_raises_ends_it_and_not_its_batch(
    rig: Rig, tasks: Tasks, error: type[BaseException]
) -> None:
    @tasks.app.task(name="raise")
    def raise_it() -> None:
        raise error

    rig.send(Message("raise", "a"), Message("add", "b", [1]))
    assert rig.deliver() == 0
    assert rig.statuses("ab") == ["FAILURE", "SUCCESS"]


def test_an_empty_batch_is_nothing(rig: Rig) -> None:
    assert rig.deliver() == 0
    assert rig.metrics.counts == {}


def test_a_retry_without_a_countdown_waits_the_task_s_default(rig: Rig, tasks: Tasks) -> None:
    @tasks.app.task(name="later", default_retry_delay=33)
    def later() -> None:
        raise Retry

    rig.send(Message("later", "a"))
    rig.deliver()
    assert rig.hidden_seconds() == [32]
