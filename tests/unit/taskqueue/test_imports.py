"""What a consumer's cold start imports: each package costs it time, so each is on this list."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LAYERS = Path(__file__).parents[3] / "layers"

CONSUMER = """
import json, sys
before = set(sys.modules)
from taskqueue.app import App
from taskqueue.lambdas.consumer import consumer
consumer(App("test", queue="work"))
print(json.dumps(sorted(set(sys.modules) - before)))
"""
ENVIRONMENT = {
    "TASKS_TABLE": "tasks",
    "QUEUES": "work",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "PYTHONPATH": str(LAYERS / "taskqueue"),
}

OTHERS_PACKAGES = {
    "aws_lambda_powertools",
    "botocore",
    # These four are botocore's own, and typing_extensions is Powertools'.
    "certifi",
    "dateutil",
    "jmespath",
    "six",
    "typing_extensions",
    "urllib3",
}
# Parts of the product that a light consumer does without.
NOT_OF_A_CONSUMER = {"beat", "celery", "testing"}
# What others import that look alike, parts of Powertools, heavy parts of the standard library.
NOT_NEEDED = {
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.idempotency",
    "aws_lambda_powertools.utilities.parameters",
    "aws_lambda_powertools.utilities.parser",
    "asyncio",
    "boto3",
    "aws_xray_sdk",
    "moto",
    "multiprocessing",
    "pydantic",
    "pydoc",
    "sqlite3",
    "tkinter",
    "unittest",
}


@pytest.fixture(scope="module")
def imported() -> list[str]:
    """Return the modules that a consumer has imported when it is ready."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    answer = subprocess.run(
        [sys.executable, "-c", CONSUMER],
        env=kept | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(answer.stdout)
    return modules


def test_a_consumer_imports_no_other_packages(imported: list[str]) -> None:
    packages = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert packages - {"taskqueue"} <= OTHERS_PACKAGES


def test_a_consumer_imports_no_part_that_is_for_others(imported: list[str]) -> None:
    parts = {name.split(".")[1] for name in imported if name.startswith("taskqueue.")}
    assert NOT_OF_A_CONSUMER & parts == set()


def test_a_consumer_does_without_what_it_does_not_need(imported: list[str]) -> None:
    assert NOT_NEEDED & set(imported) == set()
