"""Asks AWS again, after a wait, for what it left unprocessed of a batch, and for nothing else.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html#Programming.Errors.BatchOperations
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from taskqueue.retry import RetryPolicy, Uniform, backoff_seconds

# Two seconds at most: beyond, the task itself is tried again, later and in another invocation.
MAX_TRIES = 6

_BACKOFF = RetryPolicy(retry_backoff_seconds=0.05)


@dataclass(frozen=True, slots=True)
class Patience:
    """Asks again, with full jitter in between; `sleep` and `uniform` are replaced in tests."""

    sleep: Callable[[float], None] = time.sleep
    uniform: Uniform = random.uniform

    def ask[T](self, ask: Callable[[Sequence[T]], Sequence[T]], wanted: Sequence[T]) -> Sequence[T]:
        """Call `ask` with what is wanted, then with what it left unprocessed, until nothing is.

        Returns:
            What the last of `MAX_TRIES` calls still left.
        """
        for tried in range(MAX_TRIES):
            if tried:
                self.sleep(backoff_seconds(_BACKOFF, tried - 1, self.uniform))
            wanted = ask(wanted)
            if not wanted:
                break
        return wanted


PATIENCE = Patience()
