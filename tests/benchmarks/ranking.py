"""CPU, memory and reads of a ranking, of a million views and of ten."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.lambda_files import LambdaFiles, copy_built
from tests.benchmarks.probe import Result, run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

PERIOD_MS = 100_000
# Enough rankings for some that fold one minute and some that fold two.
RANKINGS = 5
_MINUTE_MS = 60_000
_MINUTES = 60


@dataclass
class _Stream:
    """Views that flow at a constant rate, and the rankings of them."""

    environ: dict[str, str]
    files: LambdaFiles
    views_a_minute: int
    views_a_batch: int
    filled_to: int

    def rank(self, now_ms: int, how: str = "timed") -> Result:
        """Let the views flow to `now_ms`, the whole of its minute, and rank."""
        minutes = now_ms // _MINUTE_MS + 1 - self.filled_to
        numbers = (self.filled_to, minutes, self.views_a_minute, self.views_a_batch)
        run_probe("view_filling", self.environ, self.files, [str(number) for number in numbers])
        self.filled_to += minutes
        return run_probe("ranking", self.environ, self.files, [str(now_ms), how])


def measure(stack: Stack, folder: Path) -> Section:
    """Rank a stream of 1,000,000 views an hour, then one of 10,000,000 that follows it."""
    environ = function_environ(stack, "rankingsFunction")
    files = copy_built(built_folder(stack), "rankingsFunction", folder)
    start = time.time_ns() // 1_000_000 // _MINUTE_MS
    few = _Stream(environ, files, 1_000_000 // _MINUTES, 1_000, start)
    first, rankings, counted = _run(few)
    # Two hours later, so that no view of the first stream is in the window.
    many = _Stream(environ, files, 10_000_000 // _MINUTES, 10_000, start + 3 * _MINUTES)
    _, tenfold, _ = _run(many)
    cpu, cpu_tenfold = (
        statistics.median(result["cpu_seconds"] for result in results)
        for results in (rankings, tenfold)
    )
    ranking = rankings[-1]["ranking"]
    return Section(
        "A ranking of an hour",
        [
            Check("CPU", cpu, 1.5, "s"),
            Check("peak memory", max(r["peak_mb"] for r in [*rankings, *tenfold]), 256.0, "MB"),
            Check("CPU with ten times the views", cpu_tenfold / cpu, 1.5, "x"),
        ],
        {
            "views ranked": f"{ranking['views']:,} of {ranking['distinct_books']:,} books",
            "CPU with ten times the views": f"{cpu_tenfold:.2f} s",
            "reads": f"{counted['read_requests']} requests, {counted['read_units']:.0f} units",
            "wall time": f"{statistics.median(r['wall_seconds'] for r in rankings):.2f} s",
            "the first ranking, with no minute folded": f"{first['cpu_seconds']:.2f} s CPU, "
            f"{first['peak_mb']:.0f} MB",
        },
        f"1,000,000 views an hour of 100,000 books of skewed popularity, in batches of 1,000, then "
        f"ten times as many in batches of 10,000; the ranking's own consumer, in a fresh process "
        f"each time, every {PERIOD_MS // 1000} s of that stream: it folds the one or two minutes "
        f"that closed since, reads what was folded before, and merges the running minute. Median "
        f"of {RANKINGS} rankings, imports not counted.",
    )


def _run(stream: _Stream) -> tuple[Result, list[Result], Result]:
    """The first ranking of the full hour, those that follow it, and one whose reads are counted."""
    at_ms = (stream.filled_to + _MINUTES) * _MINUTE_MS - 1
    first = stream.rank(at_ms)
    following = [stream.rank(at_ms + PERIOD_MS * number) for number in range(1, RANKINGS + 1)]
    return first, following, stream.rank(at_ms + PERIOD_MS * (RANKINGS + 1), "counted")
