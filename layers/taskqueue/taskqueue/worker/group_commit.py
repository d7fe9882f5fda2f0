"""Lets ends wait a moment for company, so that one request writes many, while tasks go on."""

import queue
import threading
import time
from collections.abc import Callable

# An end waits so long at most before it is on its way to the store.
WAIT_SECONDS = 0.02


class GroupCommit:
    """Calls what it is given 20 ms later, in a thread of its own that lives with the process."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def __call__(self, write: Callable[[], None]) -> None:
        """Have `write` called soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._waiting.put(write)

    def _work(self) -> None:
        while True:
            writes = [self._waiting.get()]
            time.sleep(WAIT_SECONDS)
            while not self._waiting.empty():
                writes.append(self._waiting.get())
            for write in writes:
                write()
