"""One run of a file of the suite with one worker."""

import os
import subprocess
from pathlib import Path

from tests.celery_suite.deployment import SIDE
from tests.celery_suite.workers import Setting
from tools.errors import ToolError
from tools.paths import CELERY_PYTHON

# The suite itself waits for 60 seconds; tests that hang are to leave time for the others.
TEST_SECONDS = 30
# What pytest may need beyond the time of its tests: to start, and the last one to end.
_MORE_SECONDS = 120
_PYTEST = (
    *("-m", "pytest", "-q", "-c", "pyproject.toml", "--rootdir", ".", "-p", "no:cacheprovider"),
    *("-p", "celery.contrib.pytest", "-p", "plugin"),
)


def run(file: str, setting: Setting, suite: Path, results: Path, seconds: float) -> None:
    """Run a file of the suite, and let pytest write its results as JUnit's XML.

    Args:
        file: its name in the suite, without `.py`.
        results: the file that is written; what pytest prints goes beside it.
        seconds: how long the tests may take; those that are left are skipped.

    Raises:
        ToolError: a test does not even end when its time is over.
    """
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        **setting.variables(),
        "PYTHONPATH": f"{suite}:{SIDE}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SUITE_SECONDS": str(seconds),
        "SUITE_TEST_SECONDS": str(TEST_SECONDS),
    }
    log = results.with_suffix(".log")
    with log.open("wb") as output:
        try:
            subprocess.run(
                [CELERY_PYTHON, *_PYTEST, f"--junit-xml={results}", f"t/integration/{file}.py"],
                cwd=suite,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds + _MORE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{file} does not end (all that it printed: {log})") from error
