"""The Celery settings of both programs: SQS as broker, DynamoDB as result backend.

They come from the environment: `AWS_ENDPOINT_URL` for a local stack only, `TASKS_TABLE`, and a
queue's URL by its name in `NOTIFICATIONS_QUEUE_URL` and `RANKINGS_QUEUE_URL`.
https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/sqs.html
"""

import os
from urllib.parse import quote, urlsplit

region = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
key = quote(os.environ.get("AWS_ACCESS_KEY_ID", ""), safe="")
secret = quote(os.environ.get("AWS_SECRET_ACCESS_KEY", ""), safe="")
credentials = f"{key}:{secret}@" if key else ""

broker_url = f"sqs://{credentials}{endpoint.netloc}"
broker_transport_options = {
    "region": region,
    "is_secure": endpoint.scheme != "http",
    "predefined_queues": {
        name: {"url": os.environ[f"{name.upper()}_QUEUE_URL"]}
        for name in ("notifications", "rankings")
        if f"{name.upper()}_QUEUE_URL" in os.environ
    },
}
task_default_queue = "notifications"
task_routes = {"select_populate_book": {"queue": "rankings"}}

result_backend = f"dynamodb://{credentials}{region}/{os.environ['TASKS_TABLE']}"
dynamodb_endpoint_url = os.environ.get("AWS_ENDPOINT_URL")
