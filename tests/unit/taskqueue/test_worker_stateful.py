"""Any mixture of sending, revoking, delivering, failing services and dying workers ends well."""

import contextlib

from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.errors import StoreError, TaskAlreadyStarted, TaskNotFound, Throttled
from taskqueue.message import Message
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.taskqueue.rig import Died, Rig

REFUSED = ClientError({"Error": {"Code": "InternalError", "Message": ""}}, "SQS")
FAULTS = {
    "claim": Throttled(),
    "finish": StoreError(),
    "release": StoreError(),
    "send_message": REFUSED,
    "send_message_batch": REFUSED,
    "enqueue": Throttled(),
    "change_message_visibility_batch": REFUSED,
}
MAX_DISTURBANCES = MAX_LOST_ATTEMPTS - 1


class Queue(RuleBasedStateMachine):
    """One queue whose tasks succeed after some failures, unless they fail too often."""

    def __init__(self) -> None:
        super().__init__()
        app = App("test", queue="work")
        app.task(
            name="work",
            bind=True,
            autoretry_for=(ConnectionError,),
            retry_backoff=1,
            max_retries=2,
        )(self.work)
        self.rig = Rig(app)
        self.failures: dict[str, int] = {}
        self.due_ms: dict[str, int] = {}
        self.final: dict[str, str] = {}
        self.disturbances = 0

    def work(self, run: Context, failures: int) -> int:
        assert run.id not in self.final, "a finished task ran"
        assert run.now_ms() >= self.due_ms[run.id], "a task ran early"
        self.rig.now_ms += 400
        if run.retries < failures:
            raise ConnectionError
        return failures

    @rule(failures=st.integers(0, 3), delay_ms=st.sampled_from([0, 0, 900, 2_100, 5_000, 90_000]))
    def send(self, failures: int, delay_ms: int) -> None:
        task_id = f"id-{len(self.failures)}"
        self.failures[task_id] = failures
        self.due_ms[task_id] = self.rig.now_ms + delay_ms
        self.send_again(task_id)

    @precondition(lambda self: self.failures)
    @rule(data=st.data())
    def send_twice(self, data: st.DataObject) -> None:
        self.send_again(data.draw(st.sampled_from(sorted(self.failures))))

    def send_again(self, task_id: str) -> None:
        eta_ms = self.due_ms[task_id]
        self.rig.send(Message("work", task_id, [self.failures[task_id]], eta_ms=eta_ms))

    @precondition(lambda self: self.failures)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        task_id = data.draw(st.sampled_from(sorted(self.failures)))
        with contextlib.suppress(TaskAlreadyStarted, TaskNotFound):
            assert self.rig.store.revoke(task_id, self.rig.now_ms).status == "REVOKED"

    @rule(seconds=st.sampled_from([0, 1, 5, 61]), lose=st.booleans())
    def deliver(self, seconds: int, lose: bool) -> None:
        self.rig.now_ms += seconds * 1000
        self.rig.deliver(lose_acknowledgement=lose)

    @precondition(lambda self: self.disturbances < MAX_DISTURBANCES)
    @rule(calls=st.integers(0, 5), after=st.booleans())
    def deliver_and_die(self, calls: int, after: bool) -> None:
        self.disturbances += 1
        number = len(self.rig.fuse.calls) + calls
        setattr(self.rig.fuse, "die_after" if after else "die_before", number)
        with contextlib.suppress(Died):
            self.rig.deliver()
        self.rig.fuse.mend()

    @precondition(lambda self: self.disturbances < MAX_DISTURBANCES)
    @rule(name=st.sampled_from(sorted(FAULTS)))
    def deliver_with_a_fault(self, name: str) -> None:
        self.disturbances += 1
        self.rig.fuse.errors[name] = [FAULTS[name]]
        self.rig.deliver()
        self.rig.fuse.errors.clear()

    @invariant()
    def what_is_final_stays(self) -> None:
        for task_id in self.failures:
            record = self.rig.store.get(task_id)
            if record is not None and record.finished:
                assert self.final.setdefault(task_id, record.status) == record.status

    def teardown(self) -> None:
        """With no more trouble, each task ends as its failures say."""
        self.rig.deliver_until_empty()
        self.what_is_final_stays()
        reasons = {
            letter.attributes["task_id"]["StringValue"]
            for letter in self.rig.broker.messages(self.rig.dead_letters.url)
        }
        for task_id, failures in self.failures.items():
            status = self.rig.record(task_id).status
            if status != "REVOKED":
                assert status == ("SUCCESS" if failures <= 2 else "FAILURE")
            assert (status == "FAILURE") <= (task_id in reasons)


Queue.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueue = Queue.TestCase
