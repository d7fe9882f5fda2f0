"""Processes that take turns: each stops before every call that it makes to a store or a queue.

So a test decides who makes the next call, whose call fails, and who dies between which two.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from greenlet import greenlet

from tests.unit.taskqueue.rig import Died


class Process:
    """Runs `run` from one call to the next, behind what `wrap` returns.

    `dies_at_ms`: when Lambda ends it. `failed`: the names of its calls that failed.
    `next_call`: the name of the call before which it stands.
    """

    def __init__(self, now_ms: Callable[[], int], dies_at_ms: int) -> None:
        self._now_ms = now_ms
        self.dies_at_ms = dies_at_ms
        self.failed: set[str] = set()
        self.is_over = False
        self._is_dead = False
        self.next_call = ""
        self._greenlet: greenlet | None = None

    @property
    def is_disturbed(self) -> bool:
        """Whether it died, or one of its calls failed."""
        return self._is_dead or bool(self.failed)

    @property
    def may_leave_leases(self) -> bool:
        """Whether it died, or could not give a task back."""
        return self._is_dead or "release" in self.failed

    def start(self, run: Callable[[], None]) -> None:
        """Run up to the first call."""

        def whole() -> None:
            with contextlib.suppress(Died):
                run()
            self.is_over = True

        self._greenlet = greenlet(whole)
        self._greenlet.switch()

    def wrap(self, target: Any) -> Any:
        """Return `target`, whose calls are this process's."""
        return _Wrapped(target, self)

    def go_on(self, faults: dict[str, Exception] | None = None) -> None:
        """Make the call before which it stands, or let it fail, and run up to the next."""
        if self._now_ms() >= self.dies_at_ms:
            self.die()
            return
        fault = (faults or {}).get(self.next_call)
        if fault:
            self.failed.add(self.next_call)
        self._switch(fault)

    def go_on_to_the_end(self) -> None:
        """Make all calls that are left."""
        while not self.is_over:
            self.go_on()

    def die(self) -> None:
        """End it, as SIGKILL does: it makes no call any more."""
        self._is_dead = True
        self._switch(None)

    def call(self, name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Stop; then make one call, unless it is to fail or the process is dead."""
        if self._is_dead:
            raise Died
        self.next_call = name
        assert self._greenlet is not None
        assert self._greenlet.parent is not None
        fault = self._greenlet.parent.switch()
        if self._is_dead:
            raise Died
        if fault is not None:
            raise fault
        return method(*args, **kwargs)

    def _switch(self, fault: Exception | None) -> None:
        assert self._greenlet is not None
        self._greenlet.switch(fault)


class _Wrapped:
    def __init__(self, target: Any, process: Process) -> None:
        self._target = target
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return functools.partial(self._process.call, name, getattr(self._target, name))
