"""One run of pytest over tests of the suite, with one worker."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.celery_suite.deployment import SIDE
from tests.celery_suite.results import Result, read
from tests.celery_suite.workers import Setting
from tools.errors import ToolError
from tools.paths import CELERY_PYTHON

# What pytest may need beyond the time of its tests: to start, and the last one to end.
_MORE_SECONDS = 120
_PYTEST = (
    *("-m", "pytest", "-q", "-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider"),
    *("-p", "celery.contrib.pytest", "-p", "plugin"),
)


def run(
    tests: Sequence[str], setting: Setting, suite: Path, results: Path, seconds: float
) -> list[Result]:
    """Run tests of the suite, and return what came of them.

    Args:
        tests: files of the suite, or tests in them, as pytest names them.
        results: the file of JUnit's XML that pytest writes; what it prints goes beside it.
        seconds: how long the tests may take; those that are left are skipped.

    Raises:
        ToolError: a test does not even end when its time is over.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        **setting.variables(),
        "PYTHONPATH": os.pathsep.join(map(str, (suite, SIDE, *setting.libraries))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SUITE_SECONDS": str(seconds),
    }
    named = [f"t/integration/{test}" for test in tests]
    log = results.with_suffix(".log")
    with log.open("wb") as output:
        try:
            subprocess.run(
                [CELERY_PYTHON, *_PYTEST, f"--junit-xml={results}", *named],
                cwd=suite,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds + _MORE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{named} do not end (all that they printed: {log})") from error
    if not results.exists():
        raise ToolError(f"pytest did not run (all that it printed: {log})")
    return read(results)
