"""The example of a Flask service, on a stock worker with Redis: what it comes to elsewhere, too.

tests/e2e/test_celery_app.py expects the same of the deployed stack.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.benchmarks.processes import running, until
from tests.benchmarks.redis_server import redis_server
from tests.support.flask_shop import FOLDER, OUTCOMES, STOCK_TAKEN, place_orders, shop_environ
from tools.paths import CELERY_ENVIRONMENT

pytestmark = pytest.mark.skipif(
    not (CELERY_ENVIRONMENT.exists() and shutil.which("redis-server")),
    reason="no redis-server, or no stock Celery in .venv-celery",
)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """The settings of a service whose broker and result backend are a Redis of its own."""
    with redis_server(tmp_path) as port:
        url = f"redis://127.0.0.1:{port}/0"
        yield {"broker_url": url, "result_backend": url}


@pytest.fixture
def log(redis: Mapping[str, str], tmp_path: Path) -> Iterator[Path]:
    """The log of a stock worker with beat, which runs meanwhile."""
    celery, schedule = CELERY_ENVIRONMENT / "bin" / "celery", tmp_path / "schedule"
    command = [celery, "-A", "shop.make_celery", "worker", "--beat", "--schedule", schedule]
    command += ["--loglevel", "INFO", "--concurrency", "1"]
    log = tmp_path / "worker.log"
    environ = shop_environ(redis, {})
    with running([str(one) for one in command], log, cwd=FOLDER, env=environ):
        yield log


def test_orders_and_stock_taking_on_a_stock_worker(redis: Mapping[str, str], log: Path) -> None:
    assert place_orders(redis, {}) == OUTCOMES
    until(lambda: f"'{STOCK_TAKEN}'" in log.read_text(), "a stock-taking")
