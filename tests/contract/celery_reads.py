"""Run by the Python of a stock Celery: prints what Celery's own backend reads of some tasks.

Arguments: the endpoint, the table, the task ids.
"""

import json
import sys
from typing import Any

from celery import Celery


def seen(app: Any, task_id: str) -> dict[str, Any]:
    """Return what a Celery program sees of a task."""
    found = app.AsyncResult(task_id)
    result = found.result
    failed = isinstance(result, BaseException)
    return {
        "state": found.state,
        "ready": found.ready(),
        "result": [str(argument) for argument in result.args] if failed else result,
        "class": f"{type(result).__module__}.{type(result).__qualname__}" if failed else None,
        "raises": raised(found) if found.ready() else None,
    }


def raised(found: Any) -> str | None:
    """Return the name of what `get` raises, if it raises."""
    try:
        found.get(timeout=5)
    except BaseException as error:  # noqa: BLE001 - that is what is asked
        return type(error).__name__
    return None


def main(endpoint_url: str, table: str, *task_ids: str) -> None:
    """Print a JSON object: task id to what is seen of it."""
    app = Celery("stock", backend=f"dynamodb://test:test@us-east-1/{table}")
    app.conf.dynamodb_endpoint_url = endpoint_url
    print(json.dumps({task_id: seen(app, task_id) for task_id in task_ids}))


main(*sys.argv[1:])
