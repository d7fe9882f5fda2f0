"""Cold start of a Celery app's consumer, beside a consumer of light tasks."""

import statistics
from pathlib import Path

from tests.benchmarks.adapter.files import CELERY, LIGHT, build, runtime
from tests.benchmarks.cold_start import Start, start
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import function_environ
from tools.local.deployed import Stack

ROUNDS = 25
LIMIT = 1.35
# Without what is installed beside this program, which Celery would import where it is there.
_NO_SITE = ("-S",)


def measure(stack: Stack, folder: Path) -> Section:
    """Start both in turn, each in a fresh interpreter, and compare the medians."""
    files, boto3 = build(folder / "consumers"), runtime(folder / "runtime")
    environ = {
        **function_environ(stack, "notificationsFunction"),
        # Root may write to a read-only folder; so that no byte code appears there, none is written.
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    path = f"{files.python_path}:{boto3}"
    starts: dict[str, list[Start]] = {CELERY: [], LIGHT: []}
    for _ in range(ROUNDS + 1):
        for name, taken in starts.items():
            taken.append(start(name, path, environ, _NO_SITE))
    # The first start of each only brings the files into memory.
    return _section(starts[CELERY][1:], starts[LIGHT][1:])


def _section(celery: list[Start], light: list[Start]) -> Section:
    cpu, light_cpu = (statistics.median(start.cpu_ms for start in s) for s in (celery, light))
    wall, light_wall = (statistics.median(start.wall_ms for start in s) for s in (celery, light))
    return Section(
        "Cold start of a Celery app's consumer",
        [
            Check("CPU, of a consumer of light tasks", cpu / light_cpu, LIMIT, "x"),
            Check("wall time, of a consumer of light tasks", wall / light_wall, LIMIT, "x"),
        ],
        {
            "a Celery app": f"{cpu:.0f} ms CPU, {wall:.0f} ms wall time, "
            f"{celery[0].modules} modules",
            "light tasks": f"{light_cpu:.0f} ms CPU, {light_wall:.0f} ms wall time, "
            f"{light[0].modules} modules",
        },
        f"Import and init, in a fresh interpreter each, of a file with a task and its handler: of "
        f"Celery, and of taskqueue alone. Both with the built layers, in read-only folders with "
        f"their own byte code, beside nothing but boto3 and what it needs, as in Lambda. In turn, "
        f"{ROUNDS} times; medians.",
    )
