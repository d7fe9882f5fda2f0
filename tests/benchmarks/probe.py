"""Runs a measurement in a process of its own, with the environment and files of one function.

A probe is a module of `tests.benchmarks.probes` with `main(arguments) -> dict`: its result comes
back as JSON through a file, since what it prints is the function's log.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.lambda_files import LambdaFiles
from tests.benchmarks.processes import BenchmarkError
from tools.paths import ROOT

_RESULT = "BENCHMARK_RESULT"

type Result = dict[str, Any]


def run_probe(
    name: str, environ: Mapping[str, str], files: LambdaFiles, arguments: Sequence[str] = ()
) -> Result:
    """Run probe `name` and return its result.

    Raises:
        BenchmarkError: it failed; its last line of output says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, log, errors = (Path(folder, name) for name in ("result.json", "log", "errors"))
        # -P: the project's own folder comes after what was built, not before it.
        command = [sys.executable, "-P", "-m", f"tests.benchmarks.probes.{name}", *arguments]
        path = f"{files.python_path}:{ROOT}"
        environment = {**environ, _RESULT: str(result), "PYTHONPATH": path}
        with log.open("wb") as out, errors.open("wb") as err:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=out, stderr=err, check=False
            )
        if done.returncode:
            raise BenchmarkError(f"{name} failed: {_last_line(errors)}")
        content: Result = json.loads(result.read_text())
        return content


def report(main: Callable[[Sequence[str]], Result]) -> None:
    """Run a probe's `main` with the command line's arguments and hand its result over."""
    Path(os.environ[_RESULT]).write_text(json.dumps(main(sys.argv[1:])))


def peak_memory_mb() -> float:
    """The most that this process had in memory since it began its program, in MB of 10^6 bytes.

    From /proc, since getrusage would also count the process that started this one.
    """
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
