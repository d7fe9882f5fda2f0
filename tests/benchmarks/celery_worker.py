"""A stock Celery prefork worker on Redis, and the CPU that it spends on a task."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.processes import BenchmarkError, cpu_seconds, running
from tests.benchmarks.redis_server import redis_server
from tools.paths import CELERY_PYTHON, ROOT


@dataclass(frozen=True)
class CeleryWorker:
    """A running worker: `pid` is the parent's, whose children run the tasks."""

    pid: int
    env: dict[str, str]

    def cpu_ms_per_task(self, tasks: int) -> float:
        """Send that many no-ops, wait for all results; CPU of parent and children for each."""
        before = cpu_seconds(self.pid)
        self.run(tasks)
        return (cpu_seconds(self.pid) - before) / tasks * 1000

    def run(self, tasks: int) -> None:
        """Send that many no-ops and wait for all results.

        Raises:
            BenchmarkError: the sender failed.
        """
        sender = [str(CELERY_PYTHON), "-m", "tests.benchmarks.celery_side.send", str(tasks)]
        done = subprocess.run(
            sender, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"Celery's sender failed: {done.stderr.strip()[-300:]}")


@contextlib.contextmanager
def celery_worker(folder: Path, concurrency: int) -> Iterator[CeleryWorker]:
    """A worker with its Redis, both ended with the block; it logs at INFO to a file.

    Raises:
        BenchmarkError: Celery or Redis is missing.
    """
    if not CELERY_PYTHON.exists():
        raise BenchmarkError(f"Celery is missing: {CELERY_PYTHON}; `make bench` installs it.")
    with redis_server(folder) as port:
        redis = f"redis://127.0.0.1:{port}"
        config = {"broker_url": f"{redis}/0", "result_backend": f"{redis}/1"}
        env = {**os.environ, "BENCHMARK_CELERY": json.dumps(config)}
        options = ["--pool", "prefork", "--concurrency", str(concurrency), "--loglevel", "INFO"]
        command = [
            *(str(CELERY_PYTHON), "-m", "celery", "--app", "tests.benchmarks.celery_side.noop"),
            *("worker", *options, "--logfile", str(folder / "celery-tasks.log")),
        ]
        with running(command, folder / "celery.log", env=env, cwd=ROOT) as process:
            yield CeleryWorker(process.pid, env)
