"""Runs `call_notify_friends.py` with SQS as broker and DynamoDB as result backend.

The environment says which: `FRIENDS_QUEUE_URL`, `TASKS_TABLE`, and `AWS_ENDPOINT_URL` for a local
stack only.
"""

import os
from urllib.parse import urlsplit

from call_notify_friends import notify
from notify_friends import app

region = os.environ["AWS_DEFAULT_REGION"]
endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))

app.conf.update(
    broker_url=f"sqs://{endpoint.netloc}",
    broker_transport_options={
        "region": region,
        "is_secure": endpoint.scheme != "http",
        # The program sends to Celery's default queue.
        "predefined_queues": {"celery": {"url": os.environ["FRIENDS_QUEUE_URL"]}},
    },
    result_backend=f"dynamodb://@{region}/{os.environ['TASKS_TABLE']}",
    dynamodb_endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
)

notify("001", "001")
