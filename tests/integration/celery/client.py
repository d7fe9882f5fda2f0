"""Run by the Python of a stock Celery: sends tasks of the shop's, and prints their results.

Arguments: the table, and the URL of the queue `orders`.
"""

import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

from celery import Celery, chain, chord

TIMEOUT_SECONDS = 30


def main(table: str, queue_url: str) -> None:
    """Print a JSON object: what each canvas has come to."""
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    app = Celery(
        "client",
        broker=f"sqs://test:test@{endpoint.netloc}",
        backend=f"dynamodb://test:test@us-east-1/{table}",
    )
    app.conf.update(
        task_default_queue="orders",
        dynamodb_endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        broker_transport_options={
            "region": "us-east-1",
            "is_secure": False,
            "predefined_queues": {"orders": {"url": queue_url}},
        },
    )

    def shop(name: str, *args: Any) -> Any:
        return app.signature(f"examples.celery_app.shop.{name}", args)

    sent = {
        "plain": shop("price", 4).delay(),
        "retried": shop("charge", "mine").delay(),
        "failed": shop("charge", "lost").delay(),
        "chain": chain(shop("price", 4), shop("price")).delay(),
        "chord": chord([shop("price", number) for number in range(10)], shop("total")).delay(),
    }
    print(json.dumps({name: outcome(result) for name, result in sent.items()}))


def outcome(result: Any) -> Any:
    """Return a result, or the error that is raised in its place."""
    try:
        return result.get(timeout=TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001 - that is what is asked
        return repr(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
