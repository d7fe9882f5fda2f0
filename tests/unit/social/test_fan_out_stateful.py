"""Planners and parts die, come late, come twice, and friendships change: the count stays true."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from social import fanout, notifying
from taskqueue.records import states
from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.social.simulation import MESSAGE, Kind, Trouble, World

CHUNK = 3
PAGE = 6
# With more deaths or faults than these, a task is rightly given up.
MAX_TROUBLES = MAX_LOST_ATTEMPTS - 1

USERS = st.integers(0, 40).map("u{:03}".format)
# A call by its number, or one of those between which a planner leaves most behind.
CALLS: st.SearchStrategy[int | str] = st.one_of(
    st.integers(0, 15), st.sampled_from(["plan_parts", "send_message_batch"])
)
TROUBLES = st.tuples(
    CALLS,
    st.sampled_from(["dies before", "dies after", "fails", "is overtaken"]),
)


class FanOut(RuleBasedStateMachine):
    """News of a user of some 20 friends, in pages of two chunks, three pages a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(fanout, "CHUNK_SIZE", CHUNK)
        self.patch.setattr(notifying, "PAGE_SIZE", PAGE)
        self.world = World([f"u{number:03}" for number in range(0, 40, 2)], page_ms=6_000)
        self.always = set(self.world.friends)
        self.ever = set(self.world.friends)
        self.bodies: list[str] = []
        self.troubles = 0
        self.is_revoked = False

    @rule(first=st.integers(0, 8), count=st.integers(1, 4), twice=st.booleans())
    def receive(self, first: int, count: int, twice: bool) -> None:
        self._receive(first, count, twice=twice)

    @precondition(lambda self: self.troubles < MAX_TROUBLES)
    @rule(first=st.integers(0, 8), count=st.integers(1, 4), trouble=TROUBLES)
    def receive_in_trouble(self, first: int, count: int, trouble: tuple[int | str, Kind]) -> None:
        self.troubles += 1
        self._receive(first, count, Trouble(*trouble))

    @precondition(lambda self: self.bodies)
    @rule(data=st.data())
    def deliver_late_copy(self, data: st.DataObject) -> None:
        self.world.rig.send_bodies(data.draw(st.sampled_from(self.bodies)))

    @rule(users=st.sets(USERS, max_size=4))
    def befriend(self, users: set[str]) -> None:
        self.world.friends |= users
        self.ever |= users

    @rule(users=st.sets(USERS, max_size=4))
    def unfriend(self, users: set[str]) -> None:
        self.world.friends -= users
        self.always -= users

    @precondition(lambda self: self.world.record.status == states.PROGRESS)
    @rule()
    def revoke(self) -> None:
        self.world.rig.store.revoke(MESSAGE.id, self.world.rig.now_ms)
        self.is_revoked = True

    def teardown(self) -> None:
        try:
            self.world.receive_all(lambda count: count - 1)
            self._check()
        finally:
            self.patch.undo()

    def _receive(self, first: int, count: int, *troubles: Trouble, twice: bool = False) -> None:
        waiting = self.world.waiting()
        if waiting:
            self.bodies += [message.body for message in waiting if message.body not in self.bodies]
            self.world.receive(first % len(waiting), count, *troubles, twice=twice)

    def _check(self) -> None:
        record, delivered = self.world.record, set(self.world.deliveries)
        assert self.world.rig.reasons() == []
        assert delivered <= self.ever
        if self.is_revoked:
            assert record.status == states.REVOKED
            return
        assert record.status == states.SUCCESS
        assert self.always <= delivered
        assert len(self.always) <= record.result <= len(delivered)
        if self.always == self.ever:
            assert record.result == len(self.always)


TestFanOut = FanOut.TestCase
TestFanOut.settings = settings(
    max_examples=300,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
