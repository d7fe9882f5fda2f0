"""Asks AWS again, after a wait, for what it left unprocessed of a batch, and for nothing else.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html#Programming.Errors.BatchOperations
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

# Two seconds at most: beyond, the task itself is tried again, later and in another invocation.
MAX_TRIES = 6
# At most, before the first try again; twice as long before each later one.
FIRST_WAIT_SECONDS = 0.05


class Patience(NamedTuple):
    """Asks again, with full jitter in between; `sleep` and `uniform` are replaced in tests.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def ask[T](self, ask: Callable[[Sequence[T]], Sequence[T]], wanted: Sequence[T]) -> Sequence[T]:
        """Call `ask` with what is wanted, then with what it left unprocessed, until nothing is.

        Returns:
            What the last of `MAX_TRIES` calls still left.
        """
        for tried in range(MAX_TRIES):
            if tried:
                self.sleep(self.uniform(0, FIRST_WAIT_SECONDS * 2 ** (tried - 1)))
            wanted = ask(wanted)
            if not wanted:
                break
        return wanted


PATIENCE = Patience()
