"""Cold start of a consumer, beside a file that only creates its two clients."""

import compileall
import os
import py_compile
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.lambda_files import copy_built, make_read_only
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import built_folder, function_environ
from tools.local.deployed import Stack

ROUNDS = 25
_CONSUMER = "notificationsFunction"
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Start:
    """One start: CPU and wall time of import and init in ms, and the modules then loaded."""

    cpu_ms: float
    wall_ms: float
    modules: int


def measure(stack: Stack, folder: Path) -> Section:
    """Start both in turn, each in a fresh interpreter, and compare the medians."""
    files = copy_built(built_folder(stack), _CONSUMER, folder / "consumer")
    yardstick = _yardstick(folder / "yardstick")
    environ = function_environ(stack, _CONSUMER)
    ours, theirs = [], []
    for _ in range(ROUNDS + 1):
        # Root may write to a read-only folder; so that no byte code appears there, none is written.
        unwritten = {**environ, "PYTHONDONTWRITEBYTECODE": "1"}
        ours.append(start(files.module, files.python_path, unwritten))
        theirs.append(start("two_clients", str(yardstick), environ))
    # The first start of each only brings the files into memory, and leaves boto3's byte code where
    # a new environment has none yet.
    return _section(ours[1:], theirs[1:])


def _section(ours: list[Start], theirs: list[Start]) -> Section:
    our_cpu, their_cpu = (statistics.median(start.cpu_ms for start in s) for s in (ours, theirs))
    our_wall, their_wall = (statistics.median(start.wall_ms for start in s) for s in (ours, theirs))
    return Section(
        "Cold start of a consumer",
        [
            Check("CPU, of two bare boto3 clients", our_cpu / their_cpu, 1.25, "x"),
            Check("wall time, of two bare boto3 clients", our_wall / their_wall, 1.25, "x"),
        ],
        {
            "the consumer": f"{our_cpu:.0f} ms CPU, {our_wall:.0f} ms wall time, "
            f"{ours[0].modules} modules",
            "two boto3 clients": f"{their_cpu:.0f} ms CPU, {their_wall:.0f} ms wall time, "
            f"{theirs[0].modules} modules",
        },
        f"Import and init, in a fresh interpreter each, of the built `notify_friends` with its "
        f"layers and of a file that creates an SQS and a DynamoDB client with boto3; both in "
        f"read-only folders with their own byte code, boto3 from outside as in Lambda. In turn, "
        f"{ROUNDS} times; medians.",
    )


def _yardstick(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(_HERE / "baseline/two_clients.py", folder)
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(folder, quiet=1, invalidation_mode=unchecked)
    make_read_only(folder)
    return folder


def start(
    module: str, python_path: str, environ: Mapping[str, str], options: Sequence[str] = ()
) -> Start:
    """Start a module in a fresh interpreter, which has these options.

    Raises:
        BenchmarkError: it cannot be imported.
    """
    env = {**environ, "PYTHONPATH": python_path}
    probe = str(_HERE / "probes/cold_start.py")
    command = [sys.executable, "-P", *options, probe, module]
    done = subprocess.run(command, env=env, cwd=os.sep, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{module} does not start: {done.stderr.strip().splitlines()[-1]}")
    cpu, wall, modules = done.stdout.split()[-3:]
    return Start(float(cpu) * 1000, float(wall) * 1000, int(modules))
