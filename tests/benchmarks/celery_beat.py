"""Celery's own beat on Redis: so many beats, one worker, and when the task started."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import BenchmarkError, running
from tests.benchmarks.redis_server import redis_server
from tools.paths import CELERY_PYTHON, ROOT


@contextlib.contextmanager
def celery_beats(folder: Path, period_seconds: int, beats: int) -> Iterator[Path]:
    """A worker and so many beats; the file to which each run adds the time it started at.

    Raises:
        BenchmarkError: Celery or Redis is missing.
    """
    if not CELERY_PYTHON.exists():
        raise BenchmarkError(f"Celery is missing: {CELERY_PYTHON}; `make bench` installs it.")
    starts = folder / "starts"
    starts.touch()
    with redis_server(folder) as port, contextlib.ExitStack() as programs:
        env = {
            **os.environ,
            "BENCHMARK_REDIS": f"redis://127.0.0.1:{port}/0",
            "BENCHMARK_PERIOD_SECONDS": str(period_seconds),
            "BENCHMARK_STARTS": str(starts),
        }
        celery = [
            str(CELERY_PYTHON),
            "-m",
            "celery",
            "--app",
            "tests.benchmarks.celery_side.ticking",
        ]
        worker = [*celery, "worker", "--pool", "prefork", "--concurrency", "1"]
        programs.enter_context(running(worker, folder / "worker.log", env=env, cwd=ROOT))
        for number in range(beats):
            beat = [*celery, "beat", "--schedule", str(folder / f"beat-{number}")]
            log = folder / f"beat-{number}.log"
            programs.enter_context(running(beat, log, env=env, cwd=ROOT))
        yield starts
