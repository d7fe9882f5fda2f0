"""The tests that pass with a stock worker on Redis and need not pass here, each with its reason."""

from collections.abc import Mapping

_REDIS = "looks into Redis, where Celery's client subscribes to results"

_SUBSCRIPTION = "test_tasks.test_task_redis_result_backend.test_asyncresult"

_HERE = {
    f"{_SUBSCRIPTION}_forget_cancels_subscription": _REDIS,
    f"{_SUBSCRIPTION}_get_cancels_subscription": _REDIS,
    "test_inspect.test_Inspect.test_scheduled": (
        "lists a task in the moment in which it is sent: a stock client's has a record only when a"
        " worker has received it"
    ),
}
# By worker.
EXCEPTIONS: Mapping[str, Mapping[str, str]] = {"here": _HERE, "doubled": _HERE, "killed": _HERE}
