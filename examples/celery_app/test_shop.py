"""The app's tasks in a unit test, without AWS."""

from examples.celery_app.shop import app, price
from taskqueue.celery.testing import in_memory


def test_a_price() -> None:
    with in_memory(app) as memory:
        result = price.delay(4)
        memory.work()
        assert result.get() == 6.0
