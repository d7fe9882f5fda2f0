"""Consumers and rankings at work for hours: whatever fails, the count is what was sent."""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from books.consuming import append
from books.counting.count import count
from books.errors import ViewsUnwritten
from books.ranking import window
from books.views import MINUTE_MS, View
from taskqueue.errors import Throttled
from tests.unit.books.memory_views import MemoryViewStore

START_MS = 1_790_000_000_000
WINDOW_MINUTES = 10


class Ended(Exception):
    """The process ends here."""


def failing(store: MemoryViewStore, calls: int, error: type[Exception]) -> MemoryViewStore:
    """Return the same store for a process in which one call, after so many, fails."""
    left = iter(range(calls + 1))

    def call() -> None:
        if next(left, None) == calls:
            raise error

    return replace(store, before=call)


class Counting(RuleBasedStateMachine):
    """Messages are delivered in any mixture and again; writes are throttled, processes end."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryViewStore()
        self.now_ms = START_MS
        self.sent: dict[str, list[View]] = {}
        self.acknowledged: set[str] = set()

    @rule(
        books=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4),
        ages_ms=st.lists(st.integers(0, 3 * MINUTE_MS), min_size=4, max_size=4),
    )
    def view(self, books: list[str], ages_ms: list[int]) -> None:
        """Send a message of views, which may be of several minutes."""
        said = [View(book, self.now_ms - age) for book, age in zip(books, ages_ms, strict=False)]
        self.sent[str(len(self.sent))] = said

    @rule(minutes=st.sampled_from([1, 1, 2, 5]))
    def wait(self, minutes: int) -> None:
        self.now_ms += minutes * MINUTE_MS

    @rule()
    def deliver_what_waits(self) -> None:
        append(self.store, {id: self.sent[id] for id in self.sent.keys() - self.acknowledged})
        self.acknowledged.update(self.sent)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), calls=st.integers(0, 20), error=st.sampled_from([Throttled, Ended]))
    def deliver_some(self, data: st.DataObject, calls: int, error: type[Exception]) -> None:
        """Deliver a batch, of new messages and of old ones, in which a call may fail."""
        ids = data.draw(st.sets(st.sampled_from(sorted(self.sent)), min_size=1, max_size=5))
        with suppress(Ended, ViewsUnwritten):
            append(failing(self.store, calls, error), {id: self.sent[id] for id in ids})
            self.acknowledged |= ids

    @rule(calls=st.integers(0, 60), error=st.sampled_from([Throttled, Ended]))
    def rank(self, calls: int, error: type[Exception]) -> None:
        """Count the window in a process in which a call may fail."""
        with suppress(error):
            self.check(failing(self.store, calls, error))

    @invariant()
    def the_count_is_exact(self) -> None:
        """Only the rules fold what is kept: this counts a copy."""
        self.check(replace(self.store, folds={**self.store.folds}, lists={**self.store.lists}))

    def check(self, store: MemoryViewStore) -> None:
        counts = Counter(count(store, window(self.now_ms, WINDOW_MINUTES), self.now_ms).counts)
        assert self.views_of(self.acknowledged) <= counts <= self.views_of(self.sent)

    def views_of(self, ids: Iterable[str]) -> Counter[str]:
        minutes = window(self.now_ms, WINDOW_MINUTES).minutes
        return Counter(view.book for id in ids for view in self.sent[id] if view.minute in minutes)


TestCounting = Counting.TestCase
TestCounting.settings = settings(max_examples=100, stateful_step_count=40)
