"""Whatever happens to a queue, and in whatever order: nothing is lost, and no state is a lie.

Workers, burials and redrives take turns between any two of their calls; each may die there, or
have its call fail. Messages come twice, acknowledgements get lost, tasks are revoked, wait for
days, fail and come back. What must be so at any time stands in `world`.

A failure is printed as the steps that led to it, and as a line `@reproduce_failure(...)`, which
replays it (docs/testing.md).
"""

import contextlib
import os

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from taskqueue.errors import StoreError, TaskAlreadyStarted, TaskNotFound, Throttled
from taskqueue.message import Message
from tests.unit.taskqueue.processes import Process
from tests.unit.taskqueue.world import World

DAY_SECONDS = 24 * 60 * 60
REFUSED = ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "SQS")
FAULTS: dict[str, Exception] = {
    "claim": Throttled(),
    "finish": StoreError(),
    "release": StoreError(),
    "enqueue": Throttled(),
    "fail": Throttled(),
    "get": StoreError(),
    "put": Throttled(),
    "reset": StoreError(),
    "send_message": REFUSED,
    "send_message_batch": REFUSED,
    "change_message_visibility_batch": REFUSED,
}
MAX_PROCESSES = 3
# A queue loses what it keeps for 14 days: so long nobody works in no example.
MAX_OUTAGE_DAYS = 12


class Queue(RuleBasedStateMachine):
    """One queue whose tasks succeed after some failures, unless they fail too often."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.outage_days = 0

    @rule(
        failures=st.integers(0, 3),
        delay_seconds=st.sampled_from([0, 0, 0.9, 2.1, 90, 1_200, 20 * DAY_SECONDS]),
        wait_seconds=st.sampled_from([0, 0, 30, 20 * DAY_SECONDS, 20 * DAY_SECONDS]),
        expires=st.sampled_from([None, None, 40]),
        is_own=st.booleans(),
    )
    def send(
        self,
        failures: int,
        delay_seconds: float,
        wait_seconds: int,
        expires: int | None,
        is_own: bool,
    ) -> None:
        now_ms = self.world.rig.now_ms
        due_ms = now_ms + round(delay_seconds * 1000)
        message = Message(
            "work",
            f"id-{len(self.world.sent)}",
            [wait_seconds],
            queue="work",
            eta_ms=due_ms if delay_seconds else None,
            expires_at_ms=None if expires is None else due_ms + expires * 1000,
        )
        self.world.send(message, failures, is_own=is_own)

    @precondition(lambda self: self.world.sent)
    @rule(data=st.data())
    def send_a_copy(self, data: st.DataObject) -> None:
        messages = self.world.published[self.some_task(data)]
        self.world.send_a_copy(messages[data.draw(st.integers(0, len(messages) - 1))])

    @precondition(lambda self: self.world.may_be_published_again())
    @rule(data=st.data())
    def publish_again(self, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(self.world.may_be_published_again()))
        self.world.publish_again(task_id)

    @precondition(lambda self: self.world.sent)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        task_id, rig = self.some_task(data), self.world.rig
        with contextlib.suppress(TaskAlreadyStarted, TaskNotFound):
            assert rig.store.revoke(task_id, rig.now_ms).status == "REVOKED"
            self.world.revoked.add(task_id)

    @precondition(lambda self: self.world.has_visible())
    @precondition(lambda self: len(self.world.processes) < MAX_PROCESSES)
    @rule(number=st.sampled_from([1, 2, 10]), loses=st.booleans())
    def a_worker_begins(self, number: int, loses: bool) -> None:
        self.world.start_worker(number, loses_acknowledgement=loses)

    @precondition(lambda self: self.world.has_visible())
    @rule(number=st.sampled_from([1, 2, 10]), loses=st.booleans())
    def a_worker_works(self, number: int, loses: bool) -> None:
        self.world.finish(self.world.start_worker(number, loses_acknowledgement=loses))

    @precondition(lambda self: self.world.has_letters_to_bury())
    @precondition(lambda self: len(self.world.processes) < MAX_PROCESSES)
    @rule()
    def a_burial_begins(self) -> None:
        self.world.start_burial()

    @precondition(lambda self: self.world.has_letters_to_bury())
    @rule()
    def a_letter_is_buried(self) -> None:
        self.world.finish(self.world.start_burial())

    @precondition(lambda self: self.world.letters.kept)
    @precondition(lambda self: len(self.world.processes) < MAX_PROCESSES)
    @rule(data=st.data())
    def a_redrive_begins(self, data: st.DataObject) -> None:
        letters = list(self.world.letters.kept.values())
        self.world.start_redrive(letters[data.draw(st.integers(0, len(letters) - 1))])

    @precondition(lambda self: self.world.processes)
    @rule(data=st.data(), calls=st.integers(1, 4), fails=st.booleans())
    def one_goes_on(self, data: st.DataObject, calls: int, fails: bool) -> None:
        process = self.some_process(data)
        for _ in range(calls):
            if not process.is_over:
                self.world.go_on(process, FAULTS if fails else None)

    @precondition(lambda self: self.world.processes)
    @rule(data=st.data())
    def one_dies(self, data: st.DataObject) -> None:
        self.world.kill(self.some_process(data))

    @precondition(lambda self: self.world.processes)
    @rule(data=st.data(), mends=st.booleans())
    def one_dies_before_it_writes_an_end(self, data: st.DataObject, mends: bool) -> None:
        process = self.some_process(data)
        while not process.is_over and process.next_call != "finish":
            self.world.go_on(process)
        if not process.is_over:
            self.world.kill(process)
        if mends:
            self.world.mend(process)

    @precondition(lambda self: self.world.processes)
    @rule(data=st.data(), call=st.sampled_from(["finish", "send_message", "send_message_batch"]))
    def one_cannot_send_or_write_an_end(self, data: st.DataObject, call: str) -> None:
        process = self.some_process(data)
        while not process.is_over and process.next_call != call:
            self.world.go_on(process)
        if not process.is_over:
            self.world.go_on(process, FAULTS)

    @rule(seconds=st.sampled_from([0.5, 1, 5, 36, 61]))
    def time_passes(self, seconds: float) -> None:
        self.world.let_time_pass(round(seconds * 1000))

    @rule(days=st.sampled_from([1, 16, 30]))
    def days_pass(self, days: int) -> None:
        self.world.live_for(days * DAY_SECONDS * 1000)

    @precondition(lambda self: self.outage_days < MAX_OUTAGE_DAYS)
    @rule()
    def nobody_works_for_days(self) -> None:
        self.outage_days += 3
        self.world.let_time_pass(3 * DAY_SECONDS * 1000)

    @invariant()
    def all_is_well(self) -> None:
        self.world.look()

    def teardown(self) -> None:
        """With no more trouble, each task ends as it had to."""
        try:
            self.world.live_for(90 * DAY_SECONDS * 1000)
            self.world.look()
            self.world.check_ends()
        finally:
            for process in list(self.world.processes):
                self.world.kill(process)

    def some_task(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.world.sent)))

    def some_process(self, data: st.DataObject) -> Process:
        number = data.draw(st.integers(0, len(self.world.processes) - 1))
        return self.world.processes[number]


Queue.TestCase.settings = settings(
    max_examples=int(os.environ.get("STATEFUL_EXAMPLES", "150")),
    stateful_step_count=40,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestQueue = Queue.TestCase
