"""Ends the processes of functions by SIGKILL, one function after the other, again and again."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.faults.local_function import LocalFunction, kill

KILL_EVERY_SECONDS = 0.5


@contextmanager
def killed_in_turn(
    functions: Sequence[LocalFunction], at_work: set[str], seed: int
) -> Iterator[Counter[str]]:
    """While all processes of one of the functions are killed every half second.

    Each function has its turn in every round, in an order that is drawn. Yields how many processes
    of which function (logical ids) were killed so far.

    Args:
        at_work: the functions that have done something; each is taken out when it is killed. One
            that is not among them is spared: where starting takes longer than a round, it would
            never begin.
    """
    killed: Counter[str] = Counter()
    is_over = threading.Event()
    draw = random.Random(seed)

    def kill_on() -> None:
        while True:
            for function in draw.sample(functions, len(functions)):
                if is_over.wait(KILL_EVERY_SECONDS):
                    return
                if function.logical_id not in at_work:
                    continue
                at_work.discard(function.logical_id)
                pids = function.pids()
                kill(pids)
                killed[function.logical_id] += len(pids)

    thread = threading.Thread(target=kill_on)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()
