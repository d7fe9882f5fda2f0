"""Fills minutes with views, as the consumer's batches would.

Arguments: the first minute since the epoch, how many minutes, the views of a minute, and of a
batch. The environment is that of the ranking's consumer.
"""

import itertools
from collections.abc import Sequence

from books import consuming, stores
from tests.benchmarks.made_views import MadeViews
from tests.benchmarks.probe import Result, report

_BOOKS = 100_000
_PER_MESSAGE = 1_000


def main(arguments: Sequence[str]) -> Result:
    """Write the segments of each batch."""
    first, minutes, views, per_batch = map(int, arguments)
    segments = 0
    for minute in range(first, first + minutes):
        messages = MadeViews(_BOOKS, seed=minute).minute(minute, views, _PER_MESSAGE)
        for batch in itertools.batched(messages, per_batch // _PER_MESSAGE, strict=False):
            segments += consuming.append(stores.views(), dict(batch))
    return {"segments": segments}


if __name__ == "__main__":
    report(main)
