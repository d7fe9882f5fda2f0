"""The pytest plugin by which the suite, unmodified, runs with another worker than its own.

The suite starts a worker in a thread of its process. Instead, there is one in a process of its own,
by the command in `SUITE_WORKER`, or one that runs already. `SUITE_CONFIG` has the app's settings,
`SUITE_CONTROL` the class of `app.control`, if it is not Celery's. `SUITE_SECONDS` is how long all
tests may take, `SUITE_TEST_SECONDS` how long one may.
"""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import celery.contrib.pytest
import pytest
from celery import Celery
from celery.contrib.testing.tasks import ping
from celery.result import allow_join_result
from celery.utils.nodenames import anon_nodename

_CONFIG = json.loads(os.environ["SUITE_CONFIG"])
_WORKER = json.loads(os.environ["SUITE_WORKER"])
_CONTROL = os.environ["SUITE_CONTROL"]
_TEST_SECONDS = float(os.environ["SUITE_TEST_SECONDS"])
_DEADLINE = time.monotonic() + float(os.environ["SUITE_SECONDS"])
_START_SECONDS = 60


class LikeRedis(str):
    """A result backend's address; to tests that are skipped elsewhere it looks like Redis."""

    def startswith(self, prefix: Any, *positions: Any) -> bool:
        """Whether it starts so; with `redis` it always does."""
        return prefix == "redis" or super().startswith(prefix, *positions)


@pytest.fixture(scope="session")
def celery_session_worker(
    celery_session_app: Celery, celery_includes: Sequence[str], celery_class_tasks: Sequence[Any]
) -> Iterator[SimpleNamespace]:
    """Celery's fixture of that name: registers the tasks, and starts the worker."""
    for module in celery_includes:
        celery_session_app.loader.import_task_module(module)
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    celery_session_app.finalize()
    with _worker():
        with allow_join_result():
            assert ping.delay().get(timeout=_START_SECONDS) == "pong"
        yield SimpleNamespace(app=celery_session_app)


@contextlib.contextmanager
def _worker() -> Iterator[None]:
    """Run the worker, if there is one to start, under the name that the suite expects."""
    if not _WORKER:
        yield
        return
    with subprocess.Popen([*_WORKER, "--hostname", anon_nodename()]) as process:
        try:
            yield
        finally:
            process.terminate()


# The suite's conftest.py, which is read after this, imports it from there.
celery.contrib.pytest.celery_session_worker = celery_session_worker


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Add this run's settings to those that the suite gives to its apps."""
    made = yield
    if fixturedef.argname == "celery_config":
        made.update(_CONFIG, result_backend=LikeRedis(_CONFIG["result_backend"]))
    if fixturedef.argname == "celery_parameters" and _CONTROL:
        made.update(control=_CONTROL)
    return made


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Give every test this run's time, and not the suite's five minutes."""
    for item in items:
        item.add_marker(pytest.mark.timeout(_TEST_SECONDS), append=False)


def pytest_runtest_setup() -> None:
    """Leave out what there is no time for."""
    if time.monotonic() > _DEADLINE:
        pytest.skip("no time was left for it")
