"""The app whose worker runs the suite's tasks, as the suite itself would configure it."""

import json
import os

from celery import Celery
from t.integration.tasks import ClassBasedAutoRetryTask  # type: ignore[import-not-found]

app = Celery("celery.tests", include=["t.integration.tasks", "celery.contrib.testing.tasks"])
app.conf.update(
    accept_content=["json"],
    result_extended=True,
    task_create_missing_queues=False,
    timezone="UTC",
    **json.loads(os.environ.get("SUITE_CONFIG", "{}")),
)
app.register_task(ClassBasedAutoRetryTask())
